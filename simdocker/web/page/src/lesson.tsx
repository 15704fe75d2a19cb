// The lesson beside the terminal: task, questions, goals, hints. Its texts come as HTML that the server made from
// Markdown in which HTML is text (simdocker/web/tutor.py).

import { useEffect, useRef, useState } from "preact/hooks";
import { t } from "./words";

export interface Question {
  ask: string;
  choices: [string, string][];
  given: string;
  right: string;
  correct: boolean;
  because: string;
}

export interface Lesson {
  name: string;
  title: string;
  task: string;
  before: string[];
  goals: { goal: string; met: boolean; says: string }[];
  questions: Question[];
  hints: string[];
  more: number;
  solution: string;
  finished: boolean;
  explain: string;
  next: [string, string] | null;
}

type Ask = (request: Record<string, unknown>) => void;

function Text({ html }: { html: string }) {
  return <div class="prose" dangerouslySetInnerHTML={{ __html: html }} />;
}

/** What a page forgets when it is loaded again, and the link does not tell: it stays in this window. */
export interface Progress {
  given: string[];
  hints: number;
  solved: boolean;
}

const place = (name: string) => `simdocker lesson ${name}`;

export function keep(lesson: Lesson): void {
  const progress: Progress = { given: lesson.questions.map((question) => question.given), hints: lesson.hints.length, solved: lesson.solution !== "" };
  sessionStorage.setItem(place(lesson.name), JSON.stringify(progress));
}

export function kept(name: string): Progress | null {
  try {
    const { given, hints, solved } = JSON.parse(sessionStorage.getItem(place(name)) ?? "null");
    return Array.isArray(given) ? { given: given.map(String), hints: Number(hints) || 0, solved: Boolean(solved) } : null;
  } catch {
    return null;
  }
}

/** What is news in a lesson comes into sight: its end, or what is said of a goal. The focus stays where one types. */
function useInSight(lesson: Lesson) {
  const panel = useRef<HTMLElement>(null);
  const says = lesson.goals.map((goal) => (goal.met ? "+" : "") + goal.says).join("\n");
  const before = useRef({ name: lesson.name, finished: lesson.finished, says });
  useEffect(() => {
    const then = before.current;
    before.current = { name: lesson.name, finished: lesson.finished, says };
    if (then.name !== lesson.name) {
      panel.current!.scrollTop = 0;
      return;
    }
    const news = lesson.finished && !then.finished ? ".done" : !lesson.finished && says !== then.says ? ".goals" : "";
    if (!news) return;
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    panel.current!.querySelector(news)?.scrollIntoView({ block: news === ".done" ? "start" : "nearest", behavior: still ? "auto" : "smooth" });
  }, [lesson]);
  return panel;
}

export function LessonPanel({ lesson, ask, still }: { lesson: Lesson; ask: Ask; still: boolean }) {
  const panel = useInSight(lesson);
  const met = lesson.goals.filter((goal) => goal.met).length;
  return (
    <aside class="lesson" ref={panel} aria-label={t("lesson")} tabIndex={0}>
      <h2>{lesson.title}</h2>
      <Text html={lesson.task} />
      {lesson.before.length > 0 && <>
        <p class="soft">{t("typed before you came")}</p>
        <pre>{lesson.before.join("\n")}</pre>
      </>}
      {lesson.questions.map((question, number) => <Prediction key={`${lesson.name}${number}`} question={question} number={number} ask={ask} />)}
      <h3>{t("goals")} <small>{met} / {lesson.goals.length}</small></h3>
      <ul class="goals" aria-live="polite">
        {lesson.goals.map((goal) => (
          <li key={goal.goal} class={goal.met ? "met" : ""}>
            <b aria-hidden="true">{goal.met ? "✓" : "○"}</b> <span class="sr">{goal.met ? t("reached") : t("open")}: </span>{goal.goal}
            {goal.says && <Text html={goal.says} />}
          </li>
        ))}
      </ul>
      <p class="sr" role="status">{lesson.finished ? t("done") : ""}</p>
      {lesson.finished && <section class="done">
        <h3><b aria-hidden="true">✓</b> {t("done")}</h3>
        <Text html={lesson.explain} />
        {lesson.next && <button type="button" class="dock-button next" onClick={() => ask({ do: "lesson", name: lesson.next![0] })}>{t("next lesson")}: {lesson.next[1]} <span aria-hidden="true">→</span></button>}
        {!lesson.next && <p>{t("last lesson")}</p>}
      </section>}
      {lesson.hints.map((hint, number) => <section key={number} class="hint"><h3>{t("hint")} {number + 1}</h3><Text html={hint} /></section>)}
      {lesson.solution && <section class="hint"><h3>{t("solution")}</h3><pre>{lesson.solution}</pre></section>}
      {!lesson.finished && <p class="lesson-row">
        {lesson.more > 0 && <button type="button" class="dock-button" disabled={still} onClick={() => ask({ do: "hint" })}>{t("hint")} ({lesson.more})</button>}
        {!lesson.solution && <button type="button" class="dock-button" disabled={still} onClick={() => ask({ do: "solution" })}>{t("solution")}</button>}
      </p>}
    </aside>
  );
}

function Prediction({ question, number, ask }: { question: Question; number: number; ask: Ask }) {
  const [typed, type] = useState("");
  const answer = (text: string) => ask({ do: "predict", number, answer: text });
  return (
    <section class="prediction">
      <h3>{t("predict before you type")}</h3>
      <Text html={question.ask} />
      {question.choices.length > 0
        ? <div class="choices">
            {question.choices.map(([key, meaning]) => (
              <button type="button" key={key} class="dock-button" aria-pressed={question.given === key} disabled={!!question.right} onClick={() => answer(key)}>
                <b>{key}{question.right === key ? " ✓" : ""}</b>{meaning && meaning !== key ? <span>{meaning}</span> : null}
              </button>
            ))}
          </div>
        : !question.right && (
          <form class="lesson-row" onSubmit={(e) => { e.preventDefault(); if (typed.trim()) answer(typed); }}>
            <input aria-label={t("your answer")} value={question.given && !typed ? question.given : typed} onInput={(e) => type(e.currentTarget.value)} />
            <button type="submit" class="dock-button">{t("answer")}</button>
          </form>
        )}
      {question.given && !question.right && <p class="soft">{t("you said")}: {question.given}</p>}
      {question.right && <p class={question.correct ? "met" : "soft"}>{question.given ? `${t("you predicted")} ${question.given}. ` : ""}{question.correct ? t("and so it is") : `${t("it is")} ${question.right}.`}</p>}
      {question.because && <Text html={question.because} />}
    </section>
  );
}
