// What a learner wrote and the points it got, in the browser's own storage. Every answer
// has a place of its own there, so that two tabs never write over each other's work.

const ANSWER = "normlib/answer/";
const POINTS = "normlib/points/";

// A browser may refuse to store anything: then the work lasts as long as the page.
const memory = new Map();
let storage = {
  getItem: (name) => memory.get(name) ?? null,
  setItem: (name, text) => memory.set(name, text),
  removeItem: (name) => memory.delete(name),
};
export let lasting = true;
try {
  localStorage.setItem("normlib/test", "");
  localStorage.removeItem("normlib/test");
  storage = localStorage;
} catch {
  lasting = false;
}

// An answer equal to its stub has not been begun, and is not kept.

export function readAnswer(cell, stub) {
  return storage.getItem(ANSWER + cell) ?? stub;
}

export function writeAnswer(cell, stub, text) {
  if (text === stub) storage.removeItem(ANSWER + cell);
  else storage.setItem(ANSWER + cell, text);
}

// Points belong to the text that was checked: they count while that still stands there.
export function readPoints(key, cell) {
  const checked = JSON.parse(storage.getItem(POINTS + key) ?? "null");
  return checked && checked.answer === storage.getItem(ANSWER + cell)
    ? checked.points
    : undefined;
}

export function writePoints(key, answer, points) {
  storage.setItem(POINTS + key, JSON.stringify({ answer, points }));
}

// Tells of changes made in another tab. A page that the browser put aside and shows again
// (with "Back") has heard of none meanwhile.
export function onChangeElsewhere(tell) {
  window.addEventListener("pageshow", ({ persisted }) => persisted && tell());
  window.addEventListener("storage", ({ key }) => {
    if (key === null || key.startsWith("normlib/")) tell();
  });
}

export const isBegun = (cell) => storage.getItem(ANSWER + cell) !== null;
