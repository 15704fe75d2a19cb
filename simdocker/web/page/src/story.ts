// The story as Python tells it (simdocker/web/story.py), and an index that answers "what was there at that moment?".

export type Facts = Record<string, unknown>;
export type Changes = [string, Facts | null][];

export interface Event {
  seq: number;
  t: number;
  kind: "message" | "state" | "step" | "note";
  actor: string;
  what: string;
  to?: string;
  why?: string;
  cause?: number;
  span?: number;
  step?: number;
  reply?: boolean;
  fails?: boolean;
  host?: string;
  attrs?: Facts;
  changes?: Changes;
}

export interface Step {
  first: number;
  t: number;
  line?: string;
  on?: string;
  say?: string;
  last?: number;
  ended?: number;
  exit?: number;
  printed?: [number, string][];
}

export interface Story {
  format: string;
  version: number;
  title: string;
  about: string;
  backend: string;
  seed: number | null;
  start: Changes;
  links: { between: [string, string]; latency?: number; bandwidth?: number }[];
  steps: Step[];
  events: Event[];
}

/** One object's state; `of` is what it is part of. */
export interface Thing extends Facts {
  key: string;
  kind: string;
  name?: string;
  host?: string;
  state?: string;
  of?: string;
}

export type World = ReadonlyMap<string, Thing>;

interface History {
  at: number[];
  states: (Thing | null)[];
}

const START = -1;

export class Index {
  readonly histories = new Map<string, History>();
  /** What can be stopped at: messages, commands, remarks, faults; as positions in `events`. */
  readonly stops: number[] = [];
  private readonly parts = new Map<string, Set<string>>();
  private readonly changed: number[] = [START];
  private cached: { at: number; world: World } | null = null;
  private flowing = new Set<string>();

  constructor(readonly story: Story) {
    if (story.format !== "simdocker-story" || story.version !== 1) throw new Error("not a story this page can read");
    const events = story.events;
    for (const [key, facts] of story.start) this.change(key, facts, START);
    for (let at = 0; at < events.length; at++) this.read(events[at], at);
  }

  get events(): Event[] {
    return this.story.events;
  }

  get length(): number {
    return this.story.events.length;
  }

  /** More has happened. `steps` replaces those that began or ended, by number. */
  append(events: Event[], steps: [number, Step][] = []): void {
    for (const [number, step] of steps) this.story.steps[number] = step;
    for (const event of events) {
      this.story.events.push(event);
      this.read(event, this.story.events.length - 1);
    }
    this.cached = null;
  }

  private read(event: Event, at: number): void {
    if (event.changes?.length) {
      for (const [key, facts] of event.changes) this.change(key, facts, at);
      this.changed.push(at);
    }
    if (this.isStop(event)) this.stops.push(at);
  }

  /** A stream's pieces after the first are no news: one stop for all of them. */
  private isStop(event: Event): boolean {
    if (event.kind === "note") return (event.actor === "player" && event.what !== "exit") || !!event.fails && event.actor !== "player";
    if (event.kind !== "message") return false;
    const stream = `${event.actor} ${event.span}`;
    if (event.what !== "data") {
      this.flowing.delete(stream);
      return true;
    }
    if (this.flowing.has(stream)) return false;
    this.flowing.add(stream);
    return true;
  }

  private change(key: string, facts: Facts | null, at: number): void {
    let history = this.histories.get(key);
    if (!history) this.histories.set(key, (history = { at: [], states: [] }));
    let before = history.states.length ? history.states[history.states.length - 1] : null;
    if (facts === null) {
      if (before === null) return;
      this.push(history, at, null);
      for (const part of this.parts.get(key) ?? []) this.change(part, null, at);
      return;
    }
    const was = facts.was as string | undefined;
    if (was && before === null) {
      const old = this.histories.get(was);
      before = old?.states.at(-1) ?? null;
      if (before) this.push(old!, at, null);
      for (const part of this.parts.get(was) ?? []) {
        const state = this.histories.get(part)?.states.at(-1);
        if (state) this.change(part, { ...state, of: key }, at);
      }
    }
    const next = { ...before, ...facts, key } as Thing;
    this.push(history, at, next);
    if (next.of) {
      let parts = this.parts.get(next.of);
      if (!parts) this.parts.set(next.of, (parts = new Set()));
      parts.add(key);
    }
  }

  private push(history: History, at: number, state: Thing | null): void {
    if (history.at.at(-1) === at) history.states[history.states.length - 1] = state;
    else {
      history.at.push(at);
      history.states.push(state);
    }
  }

  /** The object's state when the event at this position has happened. */
  stateAt(key: string, at: number): Thing | null {
    const history = this.histories.get(key);
    if (!history) return null;
    const found = last(history.at, at);
    return found < 0 ? null : history.states[found];
  }

  /** Everything that is there then. The same object as long as nothing changes. */
  worldAt(at: number): World {
    const since = this.changed[last(this.changed, at)];
    if (this.cached?.at === since) return this.cached.world;
    const world = new Map<string, Thing>();
    for (const [key, history] of this.histories) {
      const found = last(history.at, since);
      const state = found < 0 ? null : history.states[found];
      if (state) world.set(key, state);
    }
    this.cached = { at: since, world };
    return world;
  }

  /** The position of a record by its number. */
  positionOf(seq: number): number {
    const first = this.events[0]?.seq ?? 0;
    return Math.min(Math.max(seq - first, START), this.length - 1);
  }

  /** The last event that has happened at this time. */
  positionAt(t: number): number {
    let low = 0, high = this.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.events[middle].t <= t) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  nextStop(at: number): number {
    const found = last(this.stops, at) + 1;
    return found < this.stops.length ? this.stops[found] : this.length - 1;
  }

  previousStop(at: number): number {
    const found = last(this.stops, at - 1);
    return found < 0 ? START : this.stops[found];
  }

  stepOf(at: number): number {
    return at < 0 ? -1 : (this.events[at].step ?? -1);
  }

  /** The event and those that made it happen, the latest first. */
  causes(at: number, most = 12): number[] {
    const found: number[] = [];
    for (let here = at; here >= 0 && found.length < most; ) {
      found.push(here);
      const cause = this.events[here].cause ?? -1;
      here = cause < 0 ? -1 : this.positionOf(cause);
    }
    return found;
  }
}

/** The position of the last number that is not above `value`, -1 for none; `sorted` ascends. */
export function last(sorted: number[], value: number): number {
  let low = 0, high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle] <= value) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
