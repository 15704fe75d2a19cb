// A story as rows, for the list and the chart: commands as headings, messages, and what the kernel did and what
// changed between two messages folded under the call that caused it.

import type { Event, Index } from "./story";
import { kindOf } from "./words";

export type Row =
  | { kind: "step"; at: number; step: number }
  | { kind: "event"; at: number; inside: boolean }
  | { kind: "fold"; at: number; to: number; steps: number; states: number; open: boolean };

export interface Filter {
  /** Actors that are not shown. */
  hidden: ReadonlySet<string>;
  messages: boolean;
  steps: boolean;
  states: boolean;
  failures: boolean; // only those
  text: string;
}

export const ALL: Filter = { hidden: new Set(), messages: true, steps: true, states: true, failures: false, text: "" };

export const isHeading = (event: Event): boolean => event.actor === "player" && (event.what === "command" || event.what === "say");

/** Whether a reader learns anything from it: a command that the client repeats, or that ends well, is no news. */
const isNews = (event: Event): boolean => event.kind !== "note" || !["command", "exit"].includes(event.what);

export function passes(event: Event, filter: Filter): boolean {
  if (event.kind === "message" && !filter.messages) return false;
  if (event.kind === "step" && !filter.steps) return false;
  if (event.kind === "state" && !filter.states) return false;
  if (filter.failures && !event.fails) return false;
  if (filter.hidden.has(lifeline(event)) || (event.to && filter.hidden.has(event.to))) return false;
  if (filter.text) {
    const text = filter.text.toLowerCase();
    return `${event.actor} ${event.to ?? ""} ${event.what} ${event.why ?? ""}`.toLowerCase().includes(text);
  }
  return true;
}

/** On whose line an event is drawn: a change of an object on the line of the daemon that keeps it. */
export function lifeline(event: Event): string {
  if (event.kind === "state" && !["daemon", "registry"].includes(kindOf(event.actor))) return event.host ? `daemon@${event.host}` : event.actor;
  return event.actor;
}

/** Rows of the whole story. `open` are the folds that were opened, by the position of their first event. */
export function rowsOf(index: Index, filter: Filter, open: ReadonlySet<number>): Row[] {
  const rows: Row[] = [];
  const events = index.events;
  let fold: Extract<Row, { kind: "fold" }> | null = null;
  let inside: number[] = [];
  const close = () => {
    if (!fold) return;
    if (inside.length === 1) rows.push({ kind: "event", at: inside[0], inside: false });
    else {
      rows.push(fold);
      if (fold.open) for (const at of inside) rows.push({ kind: "event", at, inside: true });
    }
    fold = null;
    inside = [];
  };
  for (let at = 0; at < events.length; at++) {
    const event = events[at];
    if (isHeading(event)) {
      close();
      rows.push({ kind: "step", at, step: event.step ?? -1 });
      continue;
    }
    if (!isNews(event) || !passes(event, filter)) continue;
    if (event.kind === "step" || event.kind === "state") {
      fold ??= { kind: "fold", at, to: at, steps: 0, states: 0, open: open.has(at) };
      fold.to = at;
      if (event.kind === "step") fold.steps++;
      else fold.states++;
      inside.push(at);
      continue;
    }
    close();
    rows.push({ kind: "event", at, inside: false });
  }
  close();
  return rows;
}

/** The row on which the playhead is: the last that begins at or before it. */
export function rowAt(rows: Row[], at: number): number {
  let low = 0, high = rows.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (rows[middle].at <= at) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
