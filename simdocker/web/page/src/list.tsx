// The story as a list: what a screen reader reads instead of the stage, and where one finds a moment again.

import { memo } from "preact/compat";
import { useEffect, useLayoutEffect, useMemo, useState } from "preact/hooks";
import { usePlayhead, useSize, useWindow } from "./hooks";
import type { Playhead } from "./playhead";
import { ALL, rowAt, rowsOf, type Filter, type Row } from "./rows";
import { short } from "./stage";
import type { Event } from "./story";
import { called, cut, duration, t } from "./words";

const ROW = 34;

const LAG = 120; // ms between two drawings of what stands beside the stage

export const List = memo(function List({ head, filter = ALL, hosts }: { head: Playhead; filter?: Filter; hosts: number }) {
  usePlayhead(head, LAG);
  const [open, setOpen] = useState<ReadonlySet<number>>(new Set());
  const rows = useMemo(() => rowsOf(head.index, filter, open), [head.index, head.index.length, filter, open]);
  const [box, { height }] = useSize<HTMLOListElement>();
  const { from, to, onScroll } = useWindow(rows.length, ROW, height);
  const current = rowAt(rows, head.at);
  useLayoutEffect(() => follow(box.current, current, ROW), [head.at, height]); // not when a fold opens: one reads there
  const toggle = (at: number) => setOpen((before) => flipped(before, at));
  return (
    <ol class="list" ref={box} onScroll={onScroll} aria-label={t("what happened")} tabIndex={0}>
      <li class="pad" aria-hidden="true" style={{ height: `${from * ROW}px` }} />
      {rows.slice(from, to).map((row, i) => (
        <li key={`${row.kind}${row.at}`} class={`row r-${row.kind}`} aria-posinset={from + i + 1} aria-setsize={rows.length}>
          <Line row={row} head={head} hosts={hosts} current={from + i === current} toggle={toggle} />
        </li>
      ))}
      <li class="pad" aria-hidden="true" style={{ height: `${Math.max(0, rows.length - to) * ROW}px` }} />
    </ol>
  );
});

/** Keep a row in sight, with some of what follows. */
export function follow(element: HTMLElement | null, row: number, height: number): void {
  if (!element || row < 0) return;
  const top = row * height, seen = element.clientHeight;
  if (top < element.scrollTop + height || top + 3 * height > element.scrollTop + seen) element.scrollTop = Math.max(0, top - seen / 3);
}

export function flipped<T>(set: ReadonlySet<T>, value: T): ReadonlySet<T> {
  const next = new Set(set);
  if (!next.delete(value)) next.add(value);
  return next;
}

/** What a fold holds, in words. */
export function folded(row: Extract<Row, { kind: "fold" }>): string {
  const parts = [];
  if (row.steps) parts.push(t(row.steps === 1 ? "1 kernel step" : "{n} kernel steps", { n: row.steps }));
  if (row.states) parts.push(t(row.states === 1 ? "1 change" : "{n} changes", { n: row.states }));
  return parts.join(", ");
}

function Line({ row, head, hosts, current, toggle }: { row: Row; head: Playhead; hosts: number; current: boolean; toggle: (at: number) => void }) {
  const event = head.index.events[row.at];
  const mark = current ? "step" : undefined;
  const past = row.at <= head.at ? "" : " ahead";
  if (row.kind === "step") {
    const step = head.index.story.steps[row.step];
    const failed = (step?.exit ?? -1) > 0 && (step.last ?? -1) <= (head.event?.seq ?? -1);
    return (
      <button type="button" class={`head${past}`} aria-current={mark} onClick={() => head.go(row.at)}>
        {step?.say !== undefined ? <em>{step.say.slice(0, 500)}</em> : <span class="what"><b>{hosts > 1 ? `${step?.on}$` : "$"}</b> {step?.line?.slice(0, 500)}</span>}
        {failed && <span class="exit">{t("exit {code}", { code: step.exit })}</span>}
      </button>
    );
  }
  if (row.kind === "fold") {
    return (
      <button type="button" class={`fold${past}`} aria-current={mark} aria-expanded={row.open} onClick={() => toggle(row.at)}>
        <span aria-hidden="true">{row.open ? "▾" : "▸"}</span> {folded(row)}
      </button>
    );
  }
  return (
    <button type="button" class={`line k-${event.kind}${event.fails ? " fails" : ""}${row.inside ? " inside" : ""}${past}`} aria-current={mark} title={event.why} onClick={() => head.go(row.at)}>
      {event.kind === "message" ? <span class="who">{called(event.actor, atHome(event) ? 1 : hosts)} <i aria-hidden="true">→</i><span class="sr">{t("to")}</span> {called(event.to ?? "", hosts)}</span> : <span class="who">{event.kind === "step" ? "·" : "∙"} {event.kind === "state" ? called(event.actor, hosts) : ""}</span>}
      <span class="what">{event.fails && <b aria-hidden="true">✕ </b>}{short(event)}</span>
      <span class="when">{duration(event.t - (head.index.story.steps[event.step ?? -1]?.t ?? 0))}</span>
    </button>
  );
}

/** Whether both ends of a message are on the same host: it is named once. */
function atHome(event: Event): boolean {
  const place = (key = "") => key.slice(key.lastIndexOf("@") + 1);
  return place(event.actor) === place(event.to);
}

const LETTERS = 20_000; // of a text in the terminal: what a browser lays out at once

/** What the user saw on the terminal: each command, and when it has ended what it printed. */
export function Terminal({ head }: { head: Playhead }) {
  usePlayhead(head);
  const steps = head.index.story.steps;
  const seq = head.event?.seq ?? -1;
  const [box] = useSize<HTMLDivElement>();
  const begun = steps.filter((step) => step.first <= seq);
  const lines = begun.slice(-40);
  useEffect(() => {
    box.current!.scrollTop = box.current!.scrollHeight;
  }, [begun.length, begun.at(-1)?.last !== undefined && (begun.at(-1)!.last ?? -1) <= seq]);
  return (
    <div class="terminal" ref={box} tabIndex={0} role="log" aria-label={t("terminal")}>
      {lines.map((step) => {
        const over = (step.last ?? -1) >= 0 && step.last! <= seq;
        if (step.say !== undefined) return <p class="say" key={step.first}># {step.say}</p>;
        return (
          <div key={step.first}>
            <p class="typed"><b>{step.on}$</b> {cut(step.line ?? "", LETTERS)}</p>
            {over && step.printed?.map(([fd, text], i) => <pre key={i} class={fd === 2 ? "err" : ""}>{cut(text, LETTERS)}</pre>)}
            {over && (step.exit ?? 0) > 0 && <p class="exit">{t("exit {code}", { code: step.exit })}</p>}
          </div>
        );
      })}
      {!lines.length && <p class="say">{t("nothing typed yet")}</p>}
    </div>
  );
}
