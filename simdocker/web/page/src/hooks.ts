// How components follow the playhead, and show only the rows of a long list that can be seen.

import { useEffect, useLayoutEffect, useReducer, useRef, useState } from "preact/hooks";
import type { Playhead } from "./playhead";

/** Draw again whenever the playhead has moved; with `lag` (ms) not more often than that, so that a scrub's frames are for
 * what one looks at. */
export function usePlayhead(head: Playhead, lag = 0): void {
  const [, again] = useReducer((count: number) => count + 1, 0);
  useEffect(() => {
    let drawn = 0, timer = 0;
    const draw = () => {
      timer = 0;
      drawn = performance.now();
      again(undefined as never);
    };
    const end = head.listen(() => {
      const rest = drawn + lag - performance.now();
      if (!lag || (rest <= 0 && !timer)) draw();
      else if (!timer) timer = window.setTimeout(draw, rest);
    });
    return () => {
      end();
      clearTimeout(timer);
    };
  }, [head, lag]);
}

/** The size of an element's inside. */
export function useSize<T extends HTMLElement>(): [{ current: T | null }, { width: number; height: number }] {
  const ref = useRef<T>(null);
  const [size, setSize] = useState({ width: 0, height: 0 });
  useLayoutEffect(() => {
    const element = ref.current!;
    const measure = () => setSize({ width: element.clientWidth, height: element.clientHeight });
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    measure();
    return () => observer.disconnect();
  }, []);
  return [ref, size];
}

/** The rows [from, to) of `count` that a scrolled element shows; `top` is where it is scrolled to. */
export function useWindow(count: number, rowHeight: number, height: number): { from: number; to: number; onScroll: (e: { currentTarget: HTMLElement }) => void } {
  const [top, setTop] = useState(0);
  const from = Math.max(0, Math.floor(top / rowHeight) - 4);
  const to = Math.min(count, Math.ceil((top + height) / rowHeight) + 4);
  return { from, to, onScroll: (e) => setTop(e.currentTarget.scrollTop) };
}
