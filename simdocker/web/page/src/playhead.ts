// Where in the story one is, and how it moves on. Nanoseconds and minutes stand side by side in a run, so the playhead
// goes from message to message; how long each takes to watch grows with the logarithm of how long it took.

import type { Event, Index } from "./story";

export const SPEEDS = [0.25, 0.5, 1, 2, 4, 8];
const STEP_MS = 260; // a step of the kernel, or a change: a glance
const REMARK_MS = 1500; // a command or a remark is read
const SHORTEST_MS = 550, LONGEST_MS = 1700;

export class Playhead {
  at = -1;
  /** How far the message at `at` has come, 0 to 1. */
  progress = 1;
  playing = false;
  speed = 1;
  /** Whether what is watched grows: then the playhead follows its end while it is there. */
  private frame = 0;
  private before = 0;
  private readonly listeners = new Set<() => void>();
  private readonly movers = new Set<(progress: number) => void>();

  constructor(readonly index: Index, private readonly still = matchMedia("(prefers-reduced-motion: reduce)").matches) {}

  /** Called when anything but the progress has changed. */
  listen(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Called on every frame of a message's way. */
  onMove(mover: (progress: number) => void): () => void {
    this.movers.add(mover);
    return () => this.movers.delete(mover);
  }

  get event(): Event | null {
    return this.index.events[this.at] ?? null;
  }

  get step(): number {
    return this.index.stepOf(this.at);
  }

  get ended(): boolean {
    return this.at >= this.index.length - 1;
  }

  go(at: number, animate = false): void {
    this.at = Math.min(Math.max(at, -1), this.index.length - 1);
    this.progress = animate && !this.still && this.event?.kind === "message" ? 0 : 1;
    this.tell();
    if (this.progress < 1) this.run();
  }

  forward(): void {
    this.pause();
    this.go(this.index.nextStop(this.at), true);
  }

  back(): void {
    this.pause();
    this.go(this.index.previousStop(this.at));
  }

  toStep(number: number): void {
    const step = this.index.story.steps[number];
    if (step) this.go(this.index.positionOf(step.first));
    else if (number < 0) this.go(-1);
  }

  play(): void {
    if (this.ended) this.go(-1);
    this.playing = true;
    this.tell();
    this.run();
  }

  pause(): void {
    if (!this.playing) return;
    this.playing = false;
    this.tell();
  }

  toggle(): void {
    if (this.playing) this.pause();
    else this.play();
  }

  faster(by: number): void {
    const next = SPEEDS.indexOf(this.speed) + by;
    this.speed = SPEEDS[Math.min(Math.max(next, 0), SPEEDS.length - 1)];
    this.tell();
  }

  /** The story has grown. */
  grown(): void {
    this.tell();
    if (this.playing) this.run();
  }

  private tell(): void {
    for (const listener of this.listeners) listener();
  }

  private run(): void {
    if (this.frame) return;
    this.before = performance.now();
    this.frame = requestAnimationFrame(this.tick);
  }

  private readonly tick = (now: number): void => {
    this.frame = 0;
    const passed = now - this.before;
    this.before = now;
    const event = this.event;
    this.progress = Math.min(1, this.progress + (passed * this.speed) / (event ? watch(event, this.index) : 1));
    for (const mover of this.movers) mover(this.progress);
    if (this.progress >= 1 && this.playing) {
      if (this.ended) {
        this.playing = false;
        this.tell();
        return;
      }
      this.at++;
      this.progress = this.still ? 1 : 0;
      this.tell();
      for (const mover of this.movers) mover(this.progress);
    }
    if (this.progress < 1 || this.playing) this.frame = requestAnimationFrame(this.tick);
  };

  close(): void {
    cancelAnimationFrame(this.frame);
    this.listeners.clear();
    this.movers.clear();
  }
}

/** How many ms an event is watched at speed 1. */
function watch(event: Event, index: Index): number {
  if (event.kind === "note") {
    if (event.actor !== "player") return event.fails ? REMARK_MS : 1;
    return event.what === "exit" ? STEP_MS : REMARK_MS + 25 * String(event.attrs?.text ?? "").length;
  }
  if (event.kind !== "message") return STEP_MS;
  const cause = index.events[index.positionOf(event.cause ?? -1)] ?? event;
  const took = Math.max(event.t - cause.t, 1e4);
  return Math.min(LONGEST_MS, SHORTEST_MS + 230 * (Math.log10(took) - 4));
}
