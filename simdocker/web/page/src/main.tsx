// The page: views side by side, keys, links to a moment; and what a notebook or a live page mounts by itself.

import "./style.css";
import { render, type ComponentChild } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { Chart } from "./chart";
import { Contrast, type Comparison } from "./contrast";
import { usePlayhead } from "./hooks";
import { Inspector } from "./inspector";
import { Layers } from "./layers";
import { List, Terminal } from "./list";
import { Playhead } from "./playhead";
import { Stage, type Choice } from "./stage";
import { Index, type Event, type Step, type Story } from "./story";
import { Narrator, stepBack, Steps, Transport } from "./transport";
import { duration, nanoseconds, speak, t } from "./words";

export { Index, Playhead };

/** What the page is made of: one run, or two and what differs. */
export interface Document {
  stories: Story[];
  comparison?: Comparison | null;
  language?: string;
  texts?: Record<string, string>;
}

export interface Options {
  texts?: Record<string, string>;
  language?: string;
  playhead?: Playhead;
  theme?: "light" | "dark";
  /** Whether the address bar follows the moment: the page does, a cell of a notebook does not. */
  linked?: boolean;
}

export interface Mounted {
  playhead: Playhead;
  index: Index;
  append: (events: Event[], steps?: [number, Step][]) => void;
  unmount: () => void;
}

type View = "stage" | "chart" | "layers" | "compare";
type Side = "story" | "terminal" | "state";

function Page({ document: doc, head, linked }: { document: Document; head: Playhead; linked: boolean }) {
  const views: View[] = doc.comparison ? ["stage", "chart", "layers", "compare"] : ["stage", "chart", "layers"];
  const asked = useMemo(() => (linked ? new URLSearchParams(location.hash.slice(1)) : new URLSearchParams()), []);
  const [view, setView] = useState<View>(() => views.find((each) => each === asked.get("v")) ?? (doc.comparison ? "compare" : "stage"));
  const [side, setSide] = useState<Side>("story");
  const [selected, setSelected] = useState<string | null>(asked.get("s"));
  const [help, setHelp] = useState(false);
  const [said, setSaid] = useState("");
  const [theme, setTheme] = useState<"" | "light" | "dark">("");
  const root = useRef<HTMLDivElement>(null);
  const hosts = useMemo(() => head.index.story.start.filter(([key]) => key.startsWith("host/")).length, [head.index]);
  const choice: Choice = useMemo(() => ({
    selected,
    select: (key) => {
      setSelected(key);
      if (key) setSide("state");
    },
  }), [selected]);
  usePlayhead(head);

  useEffect(() => {
    if (!linked) return;
    const there = () => {
      const hash = new URLSearchParams(location.hash.slice(1));
      const record = hash.get("r"), time = hash.get("t"), wanted = views.find((each) => each === hash.get("v"));
      const ns = time === null ? null : nanoseconds(time);
      if (record !== null && /^-?\d+$/.test(record)) head.go(head.index.positionOf(Number(record)));
      else if (ns !== null) head.go(head.index.positionAt(ns));
      if (wanted) setView(wanted);
    };
    there();
    addEventListener("hashchange", there);
    return () => removeEventListener("hashchange", there);
  }, []);

  const link = () => {
    const hash = new URLSearchParams();
    if (head.event) hash.set("r", String(head.event.seq));
    if (view !== views[0] || doc.comparison) hash.set("v", view);
    if (selected) hash.set("s", selected);
    return hash.toString().replaceAll("%40", "@").replaceAll("%2F", "/");
  };
  useEffect(() => {
    if (!linked || head.playing) return;
    const timer = setTimeout(() => history.replaceState(null, "", `#${link()}`), 300);
    return () => clearTimeout(timer);
  }, [head.at, head.playing, view, selected]);

  const tell = (text: string) => {
    setSaid(text);
    setTimeout(() => setSaid(""), 2500);
  };
  const copy = () => {
    const address = `${location.href.split("#")[0]}#${link()}`;
    history.replaceState(null, "", `#${link()}`);
    const done = navigator.clipboard?.writeText(address);
    if (done) done.then(() => tell(t("link copied")), () => tell(t("the link is in the address bar")));
    else tell(t("the link is in the address bar"));
  };
  const dark = () => (theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
  const turn = () => setTheme(dark() ? "light" : "dark");

  useEffect(() => {
    const keys: Record<string, () => void> = {
      " ": () => head.toggle(), k: () => head.toggle(),
      ArrowRight: () => head.forward(), ArrowLeft: () => head.back(),
      "Shift+ArrowRight": () => { head.pause(); head.go(head.at + 1, true); },
      "Shift+ArrowLeft": () => { head.pause(); head.go(head.at - 1); },
      ArrowDown: () => { head.pause(); head.toStep(Math.min(head.step + 1, head.index.story.steps.length - 1)); },
      ArrowUp: () => { head.pause(); head.toStep(stepBack(head, head.step)); },
      Home: () => { head.pause(); head.go(-1); }, End: () => { head.pause(); head.go(head.index.length - 1); },
      "+": () => head.faster(1), "=": () => head.faster(1), "-": () => head.faster(-1),
      "?": () => setHelp((shown) => !shown), l: copy, t: turn,
      Escape: () => { setHelp(false); setSelected(null); setSide("story"); },
      s: () => setSide("story"), o: () => setSide("terminal"), i: () => setSide("state"),
    };
    views.forEach((each, i) => (keys[String(i + 1)] = () => setView(each)));
    const press = (e: KeyboardEvent) => {
      const target = e.target as HTMLElement;
      if (e.ctrlKey || e.metaKey || e.altKey || (linked === false && !root.current!.contains(target))) return;
      if (/^(INPUT|SELECT|TEXTAREA)$/.test(target.tagName) && (target as HTMLInputElement).type !== "range") {
        if (e.key === "Escape") target.blur();
        return;
      }
      if ((e.key === " " || e.key === "Enter") && target.closest("button, summary, a") ) return;
      if (target.classList.contains("list") && /^(Home|End)$/.test(e.key)) return;
      const act = keys[(e.shiftKey && e.key.startsWith("Arrow") ? "Shift+" : "") + (e.key.length === 1 ? e.key.toLowerCase() : e.key)];
      if (!act) return;
      e.preventDefault();
      act();
    };
    const where: EventTarget = linked ? window : root.current!;
    where.addEventListener("keydown", press as EventListener);
    return () => where.removeEventListener("keydown", press as EventListener);
  });

  const story = head.index.story;
  return (
    <div class="sd page" ref={root} data-theme={theme || undefined} lang={doc.language}>
      <header class="top">
        <h1>{story.title || "simdocker"}</h1>
        <span class="backend">{t(`backend ${story.backend || "trace"}`)}</span>
        <nav class="tabs" aria-label={t("views")}>
          {views.map((each, i) => <button type="button" key={each} aria-pressed={view === each} onClick={() => setView(each)} title={`${i + 1}`}>{t(`view ${each}`)}</button>)}
        </nav>
        <div class="tools">
          <button type="button" class="plain" onClick={copy} title="L">{t("link")}</button>
          <button type="button" class="plain" onClick={turn} title="T">{t(dark() ? "light" : "dark")}</button>
          <button type="button" class="plain" onClick={() => setHelp(true)} aria-label={t("help")} title="?">?</button>
        </div>
      </header>
      <Steps head={head} />
      <main class="main">
        <div class="view">
          {view === "stage" && <Stage head={head} choice={choice} />}
          {view === "chart" && <Chart head={head} choice={choice} hosts={hosts} />}
          {view === "layers" && <Layers head={head} choice={choice} />}
          {view === "compare" && <Contrast comparison={doc.comparison!} stories={doc.stories} head={head} />}
        </div>
        <aside class="side" aria-label={t("details")}>
          <div class="tabs" role="group" aria-label={t("details")}>
            {(["story", "terminal", "state"] as const).map((each) => <button type="button" key={each} aria-pressed={side === each} onClick={() => setSide(each)}>{t(`side ${each}`)}</button>)}
          </div>
          {side === "story" && <List head={head} hosts={hosts} />}
          {side === "terminal" && <Terminal head={head} />}
          {side === "state" && <Inspector head={head} choice={choice} hosts={hosts} />}
        </aside>
      </main>
      <footer class="foot">
        <Narrator head={head} hosts={hosts} />
        <Transport head={head} />
      </footer>
      <p class={`toast${said ? " shown" : ""}`} role="status">{said}</p>
      {help && <Help close={() => setHelp(false)} />}
    </div>
  );
}

const KEYS = ["space: play or pause", "→ ←: next and previous message", "shift → ←: one record", "↓ ↑: next and previous command", "home end: to the beginning, to the end",
  "+ −: faster, slower", "1 2 3: stage, chart, layers", "s o i: story, output, state", "l: copy a link to this moment", "t: light or dark", "esc: close, deselect"];

function Help({ close }: { close: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    dialog.current!.showModal();
  }, []);
  return (
    <dialog class="help" ref={dialog} onClose={close} aria-label={t("help")}>
      <h2>{t("keys")}</h2>
      <dl>{KEYS.map((key) => {
        const [keys, what] = t(key).split(/: (.*)/s);
        return <div key={key}><dt>{keys}</dt><dd>{what}</dd></div>;
      })}</dl>
      <h2>{t("signs")}</h2>
      <p>{t("signs explained")}</p>
      <button type="button" class="plain" onClick={close}>{t("close")}</button>
    </dialog>
  );
}

function mounted(el: Element, head: Playhead, what: ComponentChild, options: Options): Mounted {
  if (options.theme) el.setAttribute("data-theme", options.theme);
  render(what, el);
  return {
    playhead: head,
    index: head.index,
    append: (events, steps) => {
      const atEnd = head.ended;
      head.index.append(events, steps);
      if (atEnd && !head.playing) head.play();
      else head.grown();
    },
    unmount: () => {
      render(null, el);
      if (!options.playhead) head.close();
    },
  };
}

/** The whole page in an element. */
export function mountPage(el: Element, document: Document, options: Options = {}): Mounted {
  speak(document.texts ?? options.texts, document.language ?? options.language);
  const head = options.playhead ?? new Playhead(new Index(document.stories[0]));
  return mounted(el, head, <Page document={document} head={head} linked={options.linked ?? false} />, options);
}

function part(draw: (head: Playhead, choice: Choice, hosts: number) => ComponentChild) {
  const Part = ({ head }: { head: Playhead }) => {
    const [selected, select] = useState<string | null>(null);
    const hosts = head.index.story.start.filter(([key]) => key.startsWith("host/")).length;
    return (
      <div class="sd part">
        <div class="view">{draw(head, { selected, select }, hosts)}</div>
        <footer class="foot"><Narrator head={head} hosts={hosts} /><Transport head={head} /></footer>
      </div>
    );
  };
  return (el: Element, story: Story | Index, options: Options = {}): Mounted => {
    if (options.texts) speak(options.texts, options.language);
    const head = options.playhead ?? new Playhead(story instanceof Index ? story : new Index(story));
    return mounted(el, head, <Part head={head} />, options);
  };
}

export const mountStage = part((head, choice) => <Stage head={head} choice={choice} />);
export const mountChart = part((head, choice, hosts) => <Chart head={head} choice={choice} hosts={hosts} />);
export const mountLayers = part((head, choice) => <Layers head={head} choice={choice} />);

/** The document that a page carries: JSON, gzipped and in base64 where it is large. */
export async function documentOf(element: Element): Promise<Document> {
  const text = element.textContent ?? "";
  if (element.getAttribute("data-encoding") !== "gzip") return JSON.parse(text);
  const bytes = Uint8Array.from(atob(text.trim()), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(stream).text());
}

const carried = globalThis.document?.getElementById("simdocker-document");
if (carried) {
  documentOf(carried).then((doc) => {
    const el = globalThis.document.getElementById("simdocker")!;
    const page = mountPage(el, doc, { linked: true });
    Object.assign(globalThis, { simdockerPage: page });
    el.setAttribute("data-ready", duration(Math.round(performance.now() * 1e6)));
  });
}
