// Play, pause, step, scrub, speed, jump; and the narrator, who says what happens and why.

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { usePlayhead } from "./hooks";
import { Icon } from "./icons";
import { SPEEDS, type Playhead } from "./playhead";
import { inWords, short } from "./stage";
import { called, cut, duration, kindOf, t } from "./words";

export function Transport({ head }: { head: Playhead }) {
  usePlayhead(head);
  const { index, at } = head;
  const most = index.length - 1;
  const event = head.event;
  return (
    <div class="transport" role="group" aria-label={t("playing")}>
      <button type="button" class="key" onClick={() => head.back()} aria-label={t("previous message")} title={`${t("previous message")} (←)`}><Sign d="M16 5v14L7 12zM5 5v14" /></button>
      <button type="button" class="key play" onClick={() => head.toggle()} aria-label={head.playing ? t("pause") : t("play")} title={`${head.playing ? t("pause") : t("play")} (${t("space")})`}>
        <Sign d={head.playing ? "M8 5v14M16 5v14" : "M7 4v16l13-8z"} />
      </button>
      <button type="button" class="key" onClick={() => head.forward()} aria-label={t("next message")} title={`${t("next message")} (→)`}><Sign d="M8 5v14l9-7zM19 5v14" /></button>
      <div class="scrub">
        <Marks head={head} />
        <input type="range" min={-1} max={most} value={at} step={1} aria-label={t("moment")} aria-valuetext={event ? `${duration(event.t)}, ${short(event)}` : t("before the first command")}
          onInput={(e) => { head.pause(); head.go(Number(e.currentTarget.value)); }} />
      </div>
      <output class="clock">{duration(event?.t ?? 0)}</output>
      <label class="speed"><span class="sr">{t("speed")}</span>
        <select value={head.speed} onChange={(e) => { head.speed = Number(e.currentTarget.value); head.faster(0); }}>
          {SPEEDS.map((speed) => <option key={speed} value={speed}>{speed}×</option>)}
        </select>
      </label>
    </div>
  );
}

function Sign({ d }: { d: string }) {
  return <svg class="sign" viewBox="0 0 24 24" aria-hidden="true"><path d={d} /></svg>;
}

/** Where each command begins, on the scale of the slider; too many to tell apart are left out. */
function Marks({ head }: { head: Playhead }) {
  const { index } = head;
  const steps = index.story.steps;
  if (steps.length > 60) return null;
  return (
    <svg class="marks" aria-hidden="true" preserveAspectRatio="none" viewBox="0 0 1000 10">
      {steps.map((step) => {
        const x = (1000 * (index.positionOf(step.first) + 1)) / Math.max(index.length, 1);
        return <line key={step.first} x1={x} x2={x} y1="0" y2="10" class={(step.exit ?? 0) > 0 ? "fails" : ""} />;
      })}
    </svg>
  );
}

/** The command at work, and a way to any other. */
export function Steps({ head }: { head: Playhead }) {
  usePlayhead(head);
  const steps = head.index.story.steps;
  const now = head.step;
  const options = useMemo(() => steps.map((step, number) => <option key={number} value={number}>{`${number + 1}. ${step.say !== undefined ? `“${step.say}”` : `${step.on}$ ${step.line}`}`.slice(0, 120)}</option>), [steps, steps.length]);
  return (
    <div class="steps" role="group" aria-label={t("commands")}>
      <button type="button" class="key" disabled={now < 0} onClick={() => { head.pause(); head.toStep(stepBack(head, now)); }} aria-label={t("previous command")} title={`${t("previous command")} (↑)`}>‹</button>
      <label class="pick"><span class="sr">{t("jump to a command")}</span>
        <select value={now} onChange={(e) => { head.pause(); head.toStep(Number(e.currentTarget.value)); }}>
          <option value={-1}>{t("before the first command")}</option>
          {options}
        </select>
      </label>
      <button type="button" class="key" disabled={now >= steps.length - 1} onClick={() => { head.pause(); head.toStep(now + 1); }} aria-label={t("next command")} title={`${t("next command")} (↓)`}>›</button>
    </div>
  );
}

/** The beginning of this command; from there, of the one before. */
export function stepBack(head: Playhead, now: number): number {
  const step = head.index.story.steps[now];
  return step && head.index.positionOf(step.first) < head.at ? now : now - 1;
}

export function Narrator({ head, hosts }: { head: Playhead; hosts: number }) {
  usePlayhead(head);
  const event = head.event;
  const spoken = useSpoken(head, hosts);
  if (!event) {
    const { title, about } = head.index.story;
    return <div class="narrator opens"><p class="title"><b>{title}</b> <span class="sub">{t("press play")}</span></p>{about && <p class="why" tabIndex={0}>{about}</p>}<p class="sr" role="status">{spoken}</p></div>;
  }
  const step = head.index.story.steps[event.step ?? -1];
  return (
    <div class={`narrator${event.fails ? " fails" : ""}`}>
      {event.kind === "message" ? (
        <p class="title"><span class={`tag k-${kindOf(event.actor)}`}><Icon kind={kindOf(event.actor)} />{called(event.actor, hosts)}</span><i aria-hidden="true">→</i><span class={`tag k-${kindOf(event.to!)}`}><Icon kind={kindOf(event.to!)} />{called(event.to!, hosts)}</span><code>{short(event)}</code></p>
      ) : event.actor === "player" && (event.what === "command" || event.what === "exit") && step ? (
        <p class="title"><b>{step?.on}$</b> <code>{cut(step?.line ?? "", 240)}</code></p>
      ) : event.actor === "player" && event.what === "say" ? null : (
        <p class="title">{kindOf(event.actor) !== "player" && <span class={`tag k-${kindOf(event.actor)}`}><Icon kind={kindOf(event.actor)} />{called(event.actor, hosts)}</span>}<code>{cut(event.what, 240)}</code></p>
      )}
      <p class="why">{(event.why && cut(event.why, 600)) || (event.reply && event.span !== undefined ? t("answers {what}", { what: short(head.index.events[head.index.positionOf(event.span)]) }) : "")}</p>
      <p class="sr" role="status">{spoken}</p>
    </div>
  );
}

/** What a screen reader is told: not each of a fast sequence, but where it comes to rest. */
function useSpoken(head: Playhead, hosts: number): string {
  const [spoken, speak] = useState("");
  const timer = useRef(0);
  useEffect(() => {
    clearTimeout(timer.current);
    const event = head.event;
    if (event) timer.current = window.setTimeout(() => speak(inWords(event, hosts)), 250);
    return () => clearTimeout(timer.current);
  }, [head.at]);
  return spoken;
}
