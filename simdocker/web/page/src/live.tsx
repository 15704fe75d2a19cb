// The live page: the viewer above, a terminal below. What is typed goes to a world on the server, and what happens
// there comes back as events that the viewer plays; docs of the messages: simdocker/web/live.py.

import { FitAddon } from "@xterm/addon-fit";
import { Terminal } from "@xterm/xterm";
import "@xterm/xterm/css/xterm.css";
import { render } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import "./live.css";
import { keep, kept, LessonPanel, type Lesson } from "./lesson";
import { packed, unpacked, type Entry } from "./link";
import { Index, mountPage, Playhead, type Document, type Mounted } from "./main";
import type { Event, Step, Story } from "./story";
import { speak, t } from "./words";

type Told =
  | { is: "world"; branch: string; branches: string[]; hosts: string[]; entries: Entry[]; printed?: string[]; undone: number; prompt: string; real?: boolean; lesson?: string; story: Story }
  | { is: "events"; events: Event[]; steps: [number, Step][] }
  | { is: "output"; fd: number; data: string }
  | { is: "ended"; exit: number; entry: Entry; prompt: string }
  | { is: "more"; prompt: string }
  | { is: "reads" }
  | { is: "candidates"; begun: string; found: [string, string][] }
  | { is: "other"; branch: string; document: Document }
  | { is: "course"; lessons: [string, string][] }
  | ({ is: "lesson" } & Lesson)
  | { is: "sorry"; text: string };

type World = Extract<Told, { is: "world" }>;

const THEME = { background: "#101418", foreground: "#e6e9ec", cursor: "#e6e9ec", red: "#ff8f80", green: "#8fd694", yellow: "#f2c94c", blue: "#8ab4ff", cyan: "#7fd7e0", magenta: "#d9a6ff" };

/** The line's words behind a colon, as at the prompt of `simdocker shell`. */
const DESK: Record<string, (words: string[]) => Record<string, unknown> | null> = {
  undo: ([count]) => ({ do: "undo", count: Number(count ?? 1) }),
  redo: () => ({ do: "redo" }),
  reset: () => ({ do: "reset" }),
  time: ([time]) => (time ? { do: "pass", time } : null),
  fork: () => ({ do: "fork" }),
  hint: () => ({ do: "hint" }),
  solution: () => ({ do: "solution" }),
};

/** The key that the address came with, where there is one. It is kept for this origin, which is of this port alone, and
 * leaves the address: what is copied from there hands out no key. */
function keyOf(): string {
  const search = new URLSearchParams(location.search), key = search.get("key");
  if (key !== null) {
    localStorage.setItem("simdocker key", key);
    history.replaceState(null, "", location.pathname + location.hash);
  }
  return localStorage.getItem("simdocker key") ?? "";
}

function Live({ texts, language }: { texts: Record<string, string>; language: string }) {
  const place = useRef<HTMLDivElement>(null);
  const screen = useRef<HTMLDivElement>(null);
  const line = useRef<HTMLInputElement>(null);
  const [world, setWorld] = useState<World | null>(null);
  const [prompt, setPrompt] = useState("");
  const [host, setHost] = useState("");
  const [running, setRunning] = useState(false);
  const [reads, setReads] = useState(""); // the command that waits for what is typed
  const [exit, setExit] = useState(0);
  const [notice, setNotice] = useState(t("live opening"));
  const [found, setFound] = useState<[string, string][]>([]);
  const [course, setCourse] = useState<[string, string][]>([]);
  const [lesson, setLesson] = useState<Lesson | null>(null);
  const [closed, setClosed] = useState(false);
  const self = useRef({
    socket: null as WebSocket | null, terminal: null as Terminal | null, fit: null as FitAddon | null, page: null as Mounted | null,
    entries: [] as Entry[], past: [] as string[], at: 0, running: false, line: "", real: false, told: false, opened: false, moment: true, branch: "", lesson: "",
  }).current;

  const ask = (request: Record<string, unknown>) => self.socket?.send(JSON.stringify(request));
  const show = (text: string) => self.terminal?.write(text);

  const link = async (moment: boolean) => {
    const hash = new URLSearchParams();
    if (self.lesson) hash.set("l", self.lesson);
    if (self.entries.length) hash.set("c", await packed(self.entries));
    const event = self.page?.playhead.event;
    if (moment && event) hash.set("r", String(event.seq));
    return `${location.pathname}#${hash}`;
  };
  const remember = async () => history.replaceState(null, "", await link(false));

  const mount = (document: Document) => {
    self.page?.unmount();
    const head = new Playhead(new Index(document.stories[0]));
    const record = new URLSearchParams(location.hash.slice(1)).get("r");
    head.go(record !== null && self.moment ? head.index.positionOf(Number(record)) : head.index.length - 1);
    self.page = mountPage(place.current!, document, { texts, language, linked: false, playhead: head });
    Object.assign(globalThis, { simdockerPage: self.page });
  };

  const hear = (told: Told) => {
    if (told.is === "world") {
      recall(told);
      self.entries = told.entries;
      self.branch = told.branch;
      self.lesson = told.lesson ?? "";
      if (!told.lesson) setLesson(null);
      self.real = told.real ?? false;
      setWorld(told);
      setHost((before) => (told.hosts.includes(before) ? before : told.hosts[0]));
      setPrompt(told.prompt);
      setExit(told.entries.at(-1)?.exit ?? 0);
      stop();
      mount({ stories: [told.story] });
      if (self.told) remember();
      if (!self.told && !told.entries.length && !told.real) show(`\x1b[2m${t("live welcome")}\x1b[0m\r\n`);
      setNotice("");
      self.told = true;
      self.moment = false;
      place.current!.closest(".live")!.setAttribute("data-ready", "");
    } else if (told.is === "events") {
      self.page?.append(told.events, told.steps);
    } else if (told.is === "output") {
      show(told.data);
    } else if (told.is === "ended") {
      self.entries = [...self.entries, told.entry];
      setWorld((before) => before && { ...before, entries: self.entries, undone: 0 });
      if (told.prompt) setPrompt(told.prompt);
      setExit(told.exit);
      if (told.exit) show(`\x1b[2m(${t("exit code")} ${told.exit})\x1b[0m\r\n`);
      stop();
      remember();
    } else if (told.is === "reads") {
      setReads(self.line);
    } else if (told.is === "more") {
      setPrompt(told.prompt);
      stop();
    } else if (told.is === "candidates") {
      complete(told.begun, told.found);
    } else if (told.is === "course") {
      setCourse(told.lessons);
    } else if (told.is === "lesson") {
      setLesson(told);
      keep(told);
    } else if (told.is === "other") {
      mount(told.document);
    } else {
      setNotice(told.text);
      show(`\x1b[33m${told.text}\x1b[0m\r\n`);
      stop();
    }
  };

  /** The terminal tells what became of its lines when the world is another one. */
  const recall = (told: World) => {
    const before = self.entries, now = told.entries;
    if (!self.told && !now.length) return;
    if (told.branch === self.branch && now.length < before.length) {
      for (const entry of before.slice(now.length).reverse()) show(`\x1b[2m${t("undone")}: ${entry.line || t("a pause")}\x1b[0m\r\n`);
    } else if (told.branch === self.branch && now.length === before.length + 1) {
      show(`\x1b[2m${t("done again")}: ${now.at(-1)!.line || t("a pause")}\x1b[0m\r\n`);
    } else {
      self.terminal!.reset();
      now.forEach((entry, number) => {
        if (!entry.line) return;
        const printed = told.printed?.[number] ?? "";
        show(`\x1b[32m${entry.host}$ \x1b[0m${entry.line}\r\n${printed}`);
        if (printed && !printed.endsWith("\n")) show("\r\n");
        if (entry.exit) show(`\x1b[2m(${t("exit code")} ${entry.exit})\x1b[0m\r\n`);
      });
      if (told.branches.length > 1) show(`\x1b[2m— ${told.branch} —\x1b[0m\r\n`);
    }
  };

  const stop = () => {
    self.running = false;
    setRunning(false);
    setReads("");
    if (!self.real) setTimeout(() => line.current?.focus());
  };

  const complete = (begun: string, candidates: [string, string][]) => {
    const input = line.current!;
    if (!input.value.endsWith(begun)) return;
    let common = candidates[0]?.[0] ?? begun;
    for (const [text] of candidates) while (!text.startsWith(common)) common = common.slice(0, -1);
    const whole = candidates.length === 1 && !common.endsWith("=") && !common.endsWith("/");
    input.value = input.value.slice(0, input.value.length - begun.length) + common + (whole ? " " : "");
    setFound(candidates.length > 1 ? candidates : []);
  };

  const run = (text: string) => {
    setNotice("");
    setFound([]);
    if (text.trim()) self.past.push(text);
    self.at = self.past.length;
    show(`\x1b[32m${prompt}\x1b[0m${text}\r\n`);
    const words = text.trim().split(/\s+/);
    if (/^:[a-z]/.test(words[0])) {
      const request = DESK[words[0].slice(1)]?.(words.slice(1));
      if (request) ask(request);
      else if (words[0] === ":on" && world?.hosts.includes(words[1])) sitAt(words[1]);
      else if (/^:(trace|world|watch)$/.test(words[0])) show(`\x1b[2m${t("live trace")}\x1b[0m\r\n`);
      else if (/^:(task|check|predict)$/.test(words[0])) show(`\x1b[2m${t("live beside")}\x1b[0m\r\n`);
      else show(`\x1b[33m${t("live words")}\x1b[0m\r\n`);
      return;
    }
    place.current!.scrollIntoView({ block: "nearest", behavior: "auto" }); // in a small window what moves is above or below
    self.running = true;
    self.line = text;
    setRunning(true);
    const head = self.page!.playhead;
    head.pause();
    head.go(head.index.length - 1); // what comes is watched from its beginning
    const columns = self.terminal!.cols, rows = self.terminal!.rows;
    ask({ do: "run", line: text, host, columns, rows });
    setTimeout(() => self.running && !line.current!.value && self.terminal!.focus(), 300);
  };

  /** A line for the program that reads, as its terminal would send it. */
  const send = (text: string) => ask({ do: "keys", keys: `${text}\r` });

  const sitAt = (name: string) => {
    setHost(name);
    setPrompt(`${name}$ `);
  };

  /** How many entries had been done at the moment that is shown. */
  const shared = () => {
    const step = self.page!.playhead.step, commands = self.page!.index.story.steps.slice(0, step + 1).filter((each) => each.line).length;
    let seen = 0, at = 0;
    for (const entry of self.entries) {
      if (entry.line && ++seen > commands) break;
      at++;
    }
    return self.page!.playhead.ended ? self.entries.length : at;
  };

  const share = async () => {
    const address = await link(!self.page!.playhead.ended);
    history.replaceState(null, "", address);
    const copied = navigator.clipboard?.writeText(new URL(address, location.href).href);
    (copied ?? Promise.reject()).then(() => setNotice(t("link copied")), () => setNotice(t("the link is in the address bar")));
  };

  useEffect(() => {
    const terminal = new Terminal({ theme: THEME, convertEol: true, fontSize: 15, scrollback: 5000, cursorBlink: false, screenReaderMode: true, fontFamily: "ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace" });
    const fit = new FitAddon();
    terminal.loadAddon(fit);
    terminal.open(screen.current!);
    Object.assign(self, { terminal, fit });
    const fitted = () => {
      fit.fit();
      if (self.real) ask({ do: "size", columns: terminal.cols, rows: terminal.rows });
    };
    const watcher = new ResizeObserver(fitted);
    watcher.observe(screen.current!);
    terminal.onData((keys) => {
      if (self.running || self.real) ask({ do: "keys", keys });
      else if (keys >= " ") {
        line.current!.value += keys.replaceAll(/[\r\n]+/g, " ");
        line.current!.focus();
      }
    });
    const key = keyOf();
    const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}${location.pathname}live${key && `?key=${encodeURIComponent(key)}`}`);
    self.socket = socket;
    socket.onmessage = async (message) => {
      const told: Told = JSON.parse(message.data);
      hear(told);
      if (told.is !== "world" || self.opened) return;
      self.opened = true;
      const hash = new URLSearchParams(location.hash.slice(1)), carried = hash.get("c"), wanted = hash.get("l");
      const progress = kept(wanted ?? self.lesson); // before the lesson that comes is kept
      if (wanted !== null && wanted !== self.lesson) ask({ do: "lesson", name: wanted });
      if (carried !== null) {
        const entries = await unpacked(carried);
        if (entries === null) setNotice(t("live bad link"));
        else {
          self.moment = true; // the one that the link names is in the world that comes
          setNotice(t("live opening"));
          ask({ do: "restore", entries });
        }
      }
      progress?.given.forEach((answer, number) => answer && ask({ do: "predict", number, answer }));
      for (let hint = 0; hint < (progress?.hints ?? 0); hint++) ask({ do: "hint" });
      if (progress?.solved) ask({ do: "solution" });
    };
    socket.onclose = () => {
      setClosed(true);
      setNotice(t(self.told ? "live closed" : "live refused"));
    };
    return () => {
      watcher.disconnect();
      socket.close();
      terminal.dispose();
    };
  }, []);

  const press = (e: KeyboardEvent) => {
    const input = line.current!;
    if (e.key === "ArrowUp" || e.key === "ArrowDown") {
      const at = Math.min(Math.max(self.at + (e.key === "ArrowUp" ? -1 : 1), 0), self.past.length);
      if (at !== self.at) input.value = self.past[at] ?? "";
      self.at = at;
      e.preventDefault();
    } else if (e.key === "Tab" && !e.shiftKey && input.value.trim() && !running) {
      ask({ do: "complete", line: input.value, host });
      e.preventDefault();
    } else if (e.key === "c" && e.ctrlKey && input.selectionStart === input.selectionEnd) {
      if (running) ask({ do: "keys", keys: "\x03" });
      else input.value = "";
      e.preventDefault();
    } else if (e.key === "d" && e.ctrlKey && reads && !input.value) {
      ask({ do: "keys", keys: "\x04" });
      e.preventDefault();
    } else if (e.key === "l" && e.ctrlKey) {
      self.terminal!.clear();
      e.preventDefault();
    } else if (e.key === "Escape") {
      setFound([]);
      input.blur();
    }
  };

  const others = world?.branches.filter((name) => name !== world.branch) ?? [];
  const still = running || closed || !world;
  return (
    <div class={`sd live${lesson ? " taught" : ""}`}>
      {lesson && <LessonPanel lesson={lesson} ask={ask} still={still} />}
      <div class="live-page" ref={place} />
      <Bar />
      <section class="dock" aria-label={t("terminal")}>
        <div class="dock-bar">
          {world && world.hosts.length > 1 && (
            <label>{t("host")} <select value={host} disabled={still} onChange={(e) => sitAt(e.currentTarget.value)}>
              {world.hosts.map((name) => <option key={name}>{name}</option>)}
            </select></label>
          )}
          {world && !world.real && <>
            <button type="button" class="dock-button" disabled={still || !world.entries.length} onClick={() => ask({ do: "undo" })}>{t("undo")}</button>
            <button type="button" class="dock-button" disabled={still || !world.undone} onClick={() => ask({ do: "redo" })}>{t("redo")}</button>
            <button type="button" class="dock-button" disabled={still || !world.entries.length} onClick={() => ask({ do: "reset" })}>{t("reset")}</button>
            <button type="button" class="dock-button" disabled={still} title={t("fork explained")} onClick={() => ask({ do: "fork", at: shared() })}>{t("fork here")}</button>
            {world.branches.length > 1 && <>
              <label>{t("branch")} <select value={world.branch} disabled={still} onChange={(e) => ask({ do: "switch", to: e.currentTarget.value })}>
                {world.branches.map((name) => <option key={name}>{name}</option>)}
              </select></label>
              <label>{t("compare with")} <select value="" disabled={still} onChange={(e) => { if (e.currentTarget.value) ask({ do: "other", to: e.currentTarget.value }); }}>
                <option value="">{t("choose")}</option>
                {others.map((name) => <option key={name}>{name}</option>)}
              </select></label>
            </>}
            <button type="button" class="dock-button" disabled={!world} onClick={share}>{t("share")}</button>
            {course.length > 0 && <label>{t("lesson")} <select value={world.lesson ?? ""} disabled={still} onChange={(e) => ask({ do: "lesson", name: e.currentTarget.value })}>
              <option value="">{t("none")}</option>
              {course.map(([name, title]) => <option key={name} value={name}>{title}</option>)}
            </select></label>}
          </>}
          <span class="dock-notice" role="status">{notice}</span>
        </div>
        <div class="dock-screen" ref={screen} />
        {found.length > 0 && <p class="dock-found" role="status">{found.slice(0, 40).map(([text, note]) => <span key={text} title={note}>{text}</span>)}</p>}
        {!world?.real && (
          <form class={`dock-line${reads ? " reads" : running ? " waits" : ""}`} onSubmit={(e) => {
            e.preventDefault();
            if (still && !reads) return;
            (reads ? send : run)(line.current!.value);
            line.current!.value = "";
          }}>
            <label for="line" class={exit && !running ? "failed" : ""}>{reads ? `${t("live reads")} ▸` : running ? "…" : prompt || "$ "}</label>
            <input id="line" ref={line} autocomplete="off" autocapitalize="off" spellcheck={false} disabled={closed || !world} readOnly={running && !reads} aria-describedby="line-reader"
              placeholder={reads ? t("live reads what", { line: reads.length > 60 ? `${reads.slice(0, 59)}…` : reads }) : running ? t("live running") : t(lesson ? "live type lesson" : "live type")} onKeyDown={press} />
            {running
              ? <button type="button" class="dock-button" onClick={() => ask({ do: "keys", keys: "\x03" })}>Ctrl-C</button>
              : <button type="submit" class="dock-button" disabled={still}>{t("run")}</button>}
            {reads && <button type="submit" class="dock-button">{t("live send")}</button>}
            <span id="line-reader" class="sr" role="status">{reads ? t("live reads what", { line: reads }) : ""}</span>
          </form>
        )}
      </section>
    </div>
  );
}

/** Between the page and the terminal: dragged, or moved with the arrow keys. */
function Bar() {
  const [share, setShare] = useState(31);
  const move = (to: number) => setShare(Math.min(Math.max(Math.round(to), 15), 80));
  useEffect(() => document.querySelector<HTMLElement>(".live")!.style.setProperty("--dock", `${share}vh`), [share]);
  return (
    <div class="live-bar" role="separator" tabIndex={0} aria-orientation="horizontal" aria-label={t("size of the terminal")} aria-valuenow={share} aria-valuemin={15} aria-valuemax={80}
      onPointerDown={(e) => e.currentTarget.setPointerCapture(e.pointerId)}
      onPointerMove={(e) => { if (e.currentTarget.hasPointerCapture(e.pointerId)) move(100 - (100 * e.clientY) / innerHeight); }}
      onKeyDown={(e) => {
        if (e.key !== "ArrowUp" && e.key !== "ArrowDown") return;
        move(share + (e.key === "ArrowUp" ? 5 : -5));
        e.preventDefault();
        e.stopPropagation();
      }} />
  );
}

const carried = document.getElementById("simdocker-live");
if (carried) {
  const { texts, language } = JSON.parse(carried.textContent ?? "{}");
  speak(texts, language);
  render(<Live texts={texts} language={language} />, document.getElementById("simdocker")!);
}
