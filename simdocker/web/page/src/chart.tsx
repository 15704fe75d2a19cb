// The sequence chart: a lifeline for each actor, an arrow for each message, the kernel's steps folded under the call
// that caused them. Rows go by order, or lie on an axis of time that zooms from the whole run to nanoseconds. Only
// what can be seen is drawn.

import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { scaleLinear } from "d3-scale";
import { select } from "d3-selection";
import { zoom, zoomIdentity, type ZoomBehavior, type ZoomTransform } from "d3-zoom";
import { usePlayhead, useSize, useWindow } from "./hooks";
import { Icon } from "./icons";
import { flipped, folded, follow } from "./list";
import type { Playhead } from "./playhead";
import { ALL, isHeading, lifeline, passes, rowAt, rowsOf, type Filter, type Row } from "./rows";
import { short, type Choice } from "./stage";
import type { Event, Index } from "./story";
import { called, duration, kindOf, t } from "./words";

const ROW = 36, GUTTER = 96, NARROWEST = 132, FEW = 6, HEAD = 44;
const ORDER = ["client", "daemon", "kernel", "container", "host", "nameserver", "plugin", "registry"];

export function Chart({ head, choice, hosts }: { head: Playhead; choice: Choice; hosts: number }) {
  usePlayhead(head);
  const index = head.index;
  const everyone = useMemo(() => lifelines(index, -1), [index, index.length]);
  const [whole, setWhole] = useState(everyone.length <= FEW);
  const [filter, setFilter] = useState<Filter>(ALL);
  const [byTime, setByTime] = useState(false);
  const [open, setOpen] = useState<ReadonlySet<number>>(new Set());
  const step = Math.max(head.step, 0);
  const scope = whole ? -1 : step;
  const lines = useMemo(() => (whole ? everyone : lifelines(index, step)).filter((key) => !filter.hidden.has(key)), [everyone, whole, scope, filter.hidden]);
  const rows = useMemo(() => {
    const all = rowsOf(index, filter, open);
    return whole ? all : all.filter((row) => index.stepOf(row.at) === step);
  }, [index, index.length, filter, open, scope]);
  const Body = byTime ? ByTime : ByOrder;
  const body = { head, rows, lines, hosts, choice, filter, scope, toggle: (at: number) => setOpen((before) => flipped(before, at)) };
  const set = (part: Partial<Filter>) => setFilter((before) => ({ ...before, ...part }));
  return (
    <div class="chart" role="group" aria-label={t("sequence chart")}>
      <div class="bar">
        <div class="seg" role="group" aria-label={t("axis")}>
          <button type="button" aria-pressed={!byTime} onClick={() => setByTime(false)}>{t("by order")}</button>
          <button type="button" aria-pressed={byTime} onClick={() => setByTime(true)}>{t("by time")}</button>
        </div>
        <div class="seg" role="group" aria-label={t("show")}>
          {(["messages", "steps", "states"] as const).map((kind) => (
            <button type="button" key={kind} aria-pressed={filter[kind]} onClick={() => set({ [kind]: !filter[kind] })}>{t(`show ${kind}`)}</button>
          ))}
          <button type="button" aria-pressed={filter.failures} onClick={() => set({ failures: !filter.failures })}>{t("only failures")}</button>
        </div>
        <div class="seg" role="group" aria-label={t("extent")}>
          <button type="button" aria-pressed={!whole} onClick={() => setWhole(false)}>{t("this command")}</button>
          <button type="button" aria-pressed={whole} onClick={() => setWhole(true)}>{t("whole run")}</button>
        </div>
        <details class="pickers">
          <summary>{t("actors")}{filter.hidden.size ? ` (−${filter.hidden.size})` : ""}</summary>
          <div class="pop">
            {everyone.slice(0, 400).map((key) => (
              <label key={key}><input type="checkbox" checked={!filter.hidden.has(key)} onChange={() => set({ hidden: flipped(filter.hidden, key) })} /> <Icon kind={kindOf(key)} /> {called(key, 2)}</label>
            ))}
          </div>
        </details>
        <label class="find"><span class="sr">{t("find")}</span><input type="search" placeholder={t("find")} value={filter.text} onInput={(e) => set({ text: e.currentTarget.value })} /></label>
        {!byTime && <button type="button" class="plain" onClick={() => setOpen((before) => (before.size ? new Set() : new Set(rows.filter((row) => row.kind === "fold").map((row) => row.at))))}>{t(open.size ? "fold all" : "unfold all")}</button>}
      </div>
      {rows.length && lines.length ? <Body {...body} /> : <p class="empty">{t("nothing passes the filter")}</p>}
    </div>
  );
}

interface BodyProps {
  head: Playhead;
  rows: Row[];
  lines: string[];
  hosts: number;
  choice: Choice;
  filter: Filter;
  scope: number;
  toggle: (at: number) => void;
}

/** Everyone who has a line, in the order in which Docker's parts stand behind one another; of one step, or of all. */
function lifelines(index: Index, step: number): string[] {
  const found = new Set<string>();
  for (const event of index.events) {
    if (event.kind === "note" || (step >= 0 && event.step !== step)) continue;
    found.add(lifeline(event));
    if (event.to) found.add(event.to);
  }
  const place = (key: string) => ORDER.indexOf(kindOf(key)) + (kindOf(key) === "registry" ? 100 : 0);
  const host = (key: string) => (kindOf(key) === "registry" ? "\uffff" : key.slice(key.lastIndexOf("@") + 1));
  return [...found].sort((a, b) => host(a).localeCompare(host(b), undefined, { numeric: true }) || place(a) - place(b));
}

function columns(lines: string[], width: number) {
  const each = Math.max(NARROWEST, (width - GUTTER - 16) / lines.length);
  const x = new Map(lines.map((key, i) => [key, GUTTER + each * (i + 0.5)]));
  return { x, width: Math.max(width - 14, GUTTER + each * lines.length), each };
}

function Heads({ lines, x, each, hosts, choice, event }: { lines: string[]; x: Map<string, number>; each: number; hosts: number; choice: Choice; event: Event | null }) {
  return (
    <div class="heads">
      {lines.map((key) => (
        <button type="button" key={key} class={`k-${kindOf(key)}${event && (event.actor === key || event.to === key) ? " busy" : ""}`} style={{ left: `${x.get(key)! - each / 2 + 4}px`, width: `${each - 8}px` }}
          aria-pressed={choice.selected === key} onClick={() => choice.select(key)} title={called(key, 2)}>
          <Icon kind={kindOf(key)} /><span>{called(key, 1)}{hosts > 1 && key.includes("@") && kindOf(key) !== "registry" && <small>{key.slice(key.lastIndexOf("@") + 1)}</small>}</span>
        </button>
      ))}
    </div>
  );
}

function ByOrder({ head, rows, lines, hosts, choice, filter, scope, toggle }: BodyProps) {
  const [box, { width, height }] = useSize<HTMLDivElement>();
  const { from, to, onScroll } = useWindow(rows.length, ROW, height);
  const { x, width: wide, each } = columns(lines, width);
  const current = rowAt(rows, head.at);
  useLayoutEffect(() => follow(box.current, current, ROW), [head.at, height, filter, scope]);
  const shown = rows.slice(from, to);
  const { index } = head;
  const chain = index.causes(head.at);
  const y = (row: number) => row * ROW + ROW / 2;
  return (
    <div class="sheet" ref={box} onScroll={onScroll} tabIndex={0} role="group" aria-label={t("the list says the same in words")}>
      <Heads {...{ lines, x, each, hosts, choice }} event={head.event} />
      <svg width={wide} height={rows.length * ROW + 60} aria-hidden="true">
        <Arrowheads />
        {lines.map((key) => <line key={key} class={`life k-${kindOf(key)}`} x1={x.get(key)} x2={x.get(key)} y1={Math.max(0, (from - 1) * ROW)} y2={(to + 1) * ROW} />)}
        {current >= from && current < to && <rect class="now" x="0" width={wide} y={current * ROW} height={ROW} />}
        {chain.slice(1).map((cause, i) => {
          const a = rowAt(rows, cause), b = rowAt(rows, chain[i]);
          if (a < 0 || a === b || b < from - 2 || a > to + 2) return null;
          const one = index.events[cause], other = index.events[chain[i]];
          if (isHeading(one) || isHeading(other)) return null;
          const xa = x.get(one.to ?? lifeline(one)), xb = x.get(lifeline(other));
          if (xa === undefined || xb === undefined) return null;
          return <path key={cause} class="cause" d={`M${xa} ${y(a) + 8}C${xa - 34} ${y(a) + 8 + (y(b) - y(a)) / 2} ${xb - 34} ${y(a) + 8 + (y(b) - y(a)) / 2} ${xb} ${y(b) + 8}`} />;
        })}
        {shown.map((row, i) => {
          const at = row.at, event = index.events[at], here = y(from + i);
          const ahead = at > head.at ? " ahead" : "";
          const go = () => head.go(at);
          if (row.kind === "step") {
            const step = index.story.steps[row.step];
            return (
              <g key={`s${at}`} class={`heading${ahead}`} onClick={go}>
                <rect x="4" y={here - ROW / 2 + 4} width={wide - 8} height={ROW - 8} rx="6" />
                <text x="14" y={here + 5}>{(step?.say !== undefined ? step.say : `${step?.on}$ ${step?.line?.split("\n")[0]}`).slice(0, 300)}</text>
              </g>
            );
          }
          if (row.kind === "fold") {
            const at = x.get(lifeline(event)) ?? x.get(`daemon@${event.host}`) ?? GUTTER + each / 2;
            const text = `${row.open ? "▾" : "▸"} ${folded(row)}`;
            const w = Math.min(text.length * 7.6 + 22, each * 1.9);
            return (
              <g key={`f${row.at}`} class={`folded${ahead}`} data-fold={row.at} onClick={() => toggle(row.at)}>
                <rect x={at - w / 2} y={here - 12} width={w} height="24" rx="12" />
                <text x={at} y={here + 5} text-anchor="middle">{text}</text>
              </g>
            );
          }
          return (
            <g key={`e${at}`} class={`event${ahead}${event.fails ? " fails" : ""}`} data-at={at} onClick={go}>
              <rect class="hit" x="0" y={here - ROW / 2} width={wide} height={ROW} />
              <text class="when" x={GUTTER - 12} y={here + 5} text-anchor="end">{duration(event.t - (index.story.steps[event.step ?? -1]?.t ?? 0))}</text>
              <Mark event={event} x={x} y={here} wide={wide} labelled />
            </g>
          );
        })}
      </svg>
    </div>
  );
}

const Arrowheads = () => (
  <defs>
    {["", "-fails"].map((kind) => (
      <marker key={kind} id={`sd-arrow${kind}`} class={`arrowhead${kind}`} viewBox="0 0 10 10" refX="9.5" refY="5" markerWidth="9" markerHeight="9" markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0L10 5 0 10z" /></marker>
    ))}
  </defs>
);

function Mark({ event, x, y, wide, labelled }: { event: Event; x: Map<string, number>; y: number; wide: number; labelled: boolean }) {
  const a = x.get(lifeline(event));
  if (a === undefined) return null;
  if (event.kind === "message") {
    const b = x.get(event.to ?? "");
    if (b === undefined) return null;
    const label = short(event);
    // A label that is longer than its arrow begins at the arrow's left end and goes on over the lines behind it.
    const left = Math.min(a, b) + 8, long = label.length * 8.6 > Math.abs(a - b) - 12;
    const fit = long ? (wide - left - 10) / 8.6 : Infinity;
    const text = label.length > fit ? `${label.slice(0, Math.max(4, fit - 1))}…` : label;
    const end = event.fails ? "url(#sd-arrow-fails)" : "url(#sd-arrow)";
    return (
      <>
        {a === b ? <path class={`arrow${event.reply ? " reply" : ""}`} d={`M${a} ${y + 2}h26v10h-26`} marker-end={end} /> : <line class={`arrow${event.reply ? " reply" : ""}`} x1={a} x2={b} y1={y + 8} y2={y + 8} marker-end={end} />}
        {labelled && <text class="label" x={a === b ? a + 32 : long ? left : (a + b) / 2} y={y + 2} text-anchor={a === b || long ? "start" : "middle"}>{event.fails ? "✕ " : ""}{text}</text>}
      </>
    );
  }
  const room = wide - a - 24;
  const label = event.kind === "state" ? `${event.actor.replace(/@.*/, "")} ${event.what}` : `${event.what}${detail(event)}`;
  const right = room > 150;
  const text = label.length * 7.2 > (right ? room : a - GUTTER) ? `${label.slice(0, Math.max(6, (right ? room : a - GUTTER) / 7.2 - 1))}…` : label;
  return (
    <>
      {event.kind === "state" ? <path class="state" d={`M${a} ${y - 7}l7 7-7 7-7-7z`} /> : <rect class="kernel" x={a - 6} y={y - 6} width="12" height="12" />}
      {labelled && <text class="label" x={right ? a + 14 : a - 14} y={y + 5} text-anchor={right ? "start" : "end"}>{text}</text>}
    </>
  );
}

const detail = (event: Event): string => {
  const attrs = event.attrs ?? {};
  const said = attrs.path ?? attrs.target ?? attrs.address ?? (Array.isArray(attrs.argv) ? attrs.argv.join(" ") : attrs.port) ?? "";
  return said ? ` ${said}` : "";
};

function ByTime({ head, lines, hosts, choice, filter, scope }: BodyProps) {
  const [box, { width, height }] = useSize<HTMLDivElement>();
  const svg = useRef<SVGSVGElement>(null);
  const behaviour = useRef<ZoomBehavior<SVGSVGElement, unknown>>();
  const [transform, setTransform] = useState<ZoomTransform>(zoomIdentity);
  const { index } = head;
  const events = useMemo(() => index.events.filter((event) => (scope < 0 || event.step === scope) && event.kind !== "note" && passes(event, filter)), [index, index.length, filter, scope]);
  const headings = index.story.steps.filter((_, number) => scope < 0 || number === scope);
  const begin = Math.min(events[0]?.t ?? 0, headings[0]?.t ?? Infinity), end = Math.max(events.at(-1)?.t ?? 1, begin + 1000);
  const tall = Math.max(height - HEAD - 4, 50);
  const base = useMemo(() => scaleLinear([begin, end], [16, tall - 16]), [begin, end, tall]);
  const scale = transform.rescaleY(base);
  const { x, width: wide, each } = columns(lines, width);

  useEffect(() => {
    const zooming = zoom<SVGSVGElement, unknown>().scaleExtent([1, Math.max(2, (end - begin) / 40)]).translateExtent([[0, 0], [wide, tall]]).extent([[0, 0], [wide, tall]])
      .on("zoom", (e: { transform: ZoomTransform }) => setTransform(e.transform));
    behaviour.current = zooming;
    select(svg.current!).call(zooming).on("dblclick.zoom", null);
  }, [begin, end, tall, wide]);
  const zoomBy = (factor: number) => select(svg.current!).call(behaviour.current!.scaleBy, factor, [wide / 2, scale(head.event?.t ?? begin)]);
  const fit = () => select(svg.current!).call(behaviour.current!.transform, zoomIdentity);

  const now = scale(Math.max(begin, Math.min(head.event?.t ?? begin, end)));
  useEffect(() => {
    if (behaviour.current && height && (now < 0 || now > tall)) select(svg.current!).call(behaviour.current.translateTo, 0, base(head.event?.t ?? begin));
  }, [head.at, height]);

  const [t0, t1] = [scale.invert(-10), scale.invert(tall + 10)];
  const first = lowest(events, t0), past = lowest(events, t1);
  const drawn = spread(events, first, past, scale);
  const ticks = scale.ticks(Math.max(3, Math.floor(tall / 70)));
  const origin = t1 - t0 < ticks[0] / 50 ? ticks[0] : 0;
  return (
    <div class="sheet timed" ref={box}>
      <Heads {...{ lines, x, each, hosts, choice }} event={head.event} />
      <div class="zoom" role="group" aria-label={t("zoom")}>
        <button type="button" onClick={() => zoomBy(4)} aria-label={t("zoom in")}>+</button>
        <button type="button" onClick={() => zoomBy(0.25)} aria-label={t("zoom out")}>−</button>
        <button type="button" onClick={fit}>{t("fit")}</button>
        <output>{t("{span} in view", { span: duration(Math.min(t1, end) - Math.max(t0, begin)) })}</output>
      </div>
      <svg ref={svg} width={wide} height={tall} aria-hidden="true" class="zoomed">
        <Arrowheads />
        {ticks.map((tick) => (
          <g key={tick} class="tick">
            <line x1={GUTTER - 6} x2={wide} y1={scale(tick)} y2={scale(tick)} />
            <text x={GUTTER - 12} y={scale(tick) + 5} text-anchor="end">{origin && tick !== origin ? `+${duration(tick - origin)}` : precise(tick, origin !== 0)}</text>
          </g>
        ))}
        {lines.map((key) => <line key={key} class={`life k-${kindOf(key)}`} x1={x.get(key)} x2={x.get(key)} y1="0" y2={tall} />)}
        {headings.filter((step) => step.t >= t0 && step.t <= t1).slice(0, 40).map((step) => (
          <g key={step.first} class="heading"><line x1={GUTTER} x2={wide} y1={scale(step.t)} y2={scale(step.t)} /></g>
        ))}
        {drawn.map(({ event, y, labelled, more }) => (
          <g key={event.seq} class={`event${event.fails ? " fails" : ""}${index.positionOf(event.seq) > head.at ? " ahead" : ""}`} data-at={index.positionOf(event.seq)} onClick={() => head.go(index.positionOf(event.seq))}>
            <Mark event={event} x={x} y={y - (event.kind === "message" ? 8 : 0)} wide={wide} labelled={labelled} />
            {more > 0 && labelled && <text class="more" x={wide - 8} y={y + 4} text-anchor="end">{t("and {n} more", { n: more })}</text>}
          </g>
        ))}
        <line class="nowline" x1={GUTTER - 6} x2={wide} y1={now} y2={now} />
      </svg>
    </div>
  );
}

const precise = (ns: number, exact: boolean): string => (exact && ns >= 1e9 ? `${(ns / 1e9).toFixed(6)} s` : duration(ns));

function lowest(events: Event[], time: number): number {
  let low = 0, high = events.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (events[middle].t < time) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** What to draw of the events in view: of those that fall on the same line of pixels one, labels where there is room. */
function spread(events: Event[], from: number, to: number, scale: (t: number) => number) {
  const drawn: { event: Event; y: number; labelled: boolean; more: number }[] = [];
  let label = -Infinity;
  const taken = new Map<string, number>();
  for (let at = from; at < to; at++) {
    const event = events[at];
    const y = Math.round(scale(event.t));
    const lane = `${event.actor} ${event.to ?? event.kind}`;
    if (taken.get(lane) === y) {
      const before = drawn.at(-1);
      if (before) before.more++;
      continue;
    }
    taken.set(lane, y);
    const labelled = y - label >= 20;
    if (labelled) label = y;
    drawn.push({ event, y, labelled, more: 0 });
    if (drawn.length > 1500) break;
  }
  return drawn;
}
