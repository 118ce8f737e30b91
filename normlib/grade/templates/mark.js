// What is given is sent at once; a page is left only when all of it has been saved.

// Keys that are pressed while the page still loads wait until it has.
const early = [];
const keep = (event) => early.push(event);
addEventListener("keydown", keep);
addEventListener("DOMContentLoaded", start);

function start() {
  const form = document.querySelector("#mark");
  const comment = document.querySelector("#comment");
  const status = document.querySelector("#status");
  const buttons = [...document.querySelectorAll("[data-points]")];
  let seen = form.dataset.seen;
  let saved = comment.value;  // of the comment
  let unsaved = {};           // what still has to be sent
  let sending = null;
  let theirs = null;
  let leaving = false;        // then nothing more is given: it is meant for the next one

  const counted = (points) => (points === 1 ? "1 point" : `${points} points`);
  const pressed = () => buttons.find((b) => b.getAttribute("aria-pressed") === "true");

  function say(text, kind = "quiet") {
    status.textContent = text;
    status.className = kind;
  }

  function save(change) {
    Object.assign(unsaved, change);
    sending ??= sendAll().finally(() => { sending = null; });
    return sending;
  }

  async function sendAll() {
    while (Object.keys(unsaved).length) {
      const change = unsaved;
      unsaved = {};
      say("Saving …");
      try {
        const reply = await fetch(location.pathname, {
          method: "POST",
          headers: { "Content-Type": "application/json" },
          body: JSON.stringify({ seen, ...change }),
        });
        const told = reply.headers.get("Content-Type")?.includes("json")
          ? await reply.json() : { error: await reply.text() };
        if (!reply.ok) throw new Error(told.error);
        seen = told.version;
        if ("comment" in change) saved = change.comment;
        report(change, told.meanwhile);
      } catch (error) {
        unsaved = { ...change, ...unsaved };
        const why = error instanceof TypeError ? "Is `normlib mark` still running?" : error.message;
        say(`Not saved. ${why} Press s to try again.`, "bad");
        return false;
      }
    }
    return true;
  }

  function report(change, meanwhile) {
    if (meanwhile) {
      theirs = meanwhile;
      const points = meanwhile.points === null ? "no points" : counted(meanwhile.points);
      const said = meanwhile.comment ? `, and said “${meanwhile.comment}”` : "";
      say(`Saved. Meanwhile somebody else had given ${points}${said}.`, "wait");
      document.querySelector("#meanwhile").hidden = false;
    } else if ("points" in change) {
      say(change.points === null ? "Saved: not marked." : `Saved: ${counted(change.points)}.`, "good");
    } else {
      say("Saved the comment.", "good");
    }
  }

  function give(points) {
    if (leaving) return;
    for (const button of buttons) {
      button.setAttribute("aria-pressed", String(Number(button.dataset.points) === points));
    }
    save({ points });
  }

  function step(by) {
    const now = pressed() ? Number(pressed().dataset.points) : by > 0 ? -by : Number(form.dataset.most) - by;
    const points = now + by;
    if (points >= 0 && points <= Number(form.dataset.most)) give(points);
  }

  const flush = () => (comment.value === saved && !Object.keys(unsaved).length
    ? sending ?? Promise.resolve(true)
    : save(comment.value === saved ? {} : { comment: comment.value }));

  function sayAgain(button) {
    const text = button.querySelector("span").textContent;
    if (!comment.value.includes(text)) comment.value = [comment.value.trim(), text].filter(Boolean).join("\n");
    flush();
  }

  async function go(link) {
    leaving = true;
    if (await flush()) location.assign(link.href);
    else leaving = false;
  }

  async function showWho() {
    const who = document.querySelector("#who");
    const reply = await fetch(who.dataset.address);
    if (reply.ok) document.querySelector("#names").textContent = (await reply.json()).who.join(", ");
  }

  for (const button of buttons) button.addEventListener("click", () => give(Number(button.dataset.points)));
  for (const button of document.querySelectorAll("[data-said]")) button.addEventListener("click", () => sayAgain(button));
  for (const link of document.querySelectorAll("a[data-key]")) {
    link.addEventListener("click", (event) => { event.preventDefault(); go(link); });
  }
  document.querySelector("#who").addEventListener("click", showWho);
  document.querySelector("#theirs").addEventListener("click", () => {
    document.querySelector("#meanwhile").hidden = true;
    comment.value = theirs.comment;
    give(theirs.points);
    flush();
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  comment.addEventListener("change", flush);
  addEventListener("beforeunload", (event) => {
    if (sending || comment.value !== saved || Object.keys(unsaved).length) event.preventDefault();
  });

  const arrows = { ArrowRight: "n", ArrowLeft: "p" };

  function press(event) {
    if (leaving || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.target === comment) {
      if (event.key === "Escape") comment.blur();
      return;
    }
    const digit = /^(?:Digit|Numpad)(\d)$/.exec(event.code)?.[1];
    const key = arrows[event.key] ?? event.key;
    let act;
    if (digit !== undefined && event.shiftKey) {
      const button = document.querySelector(`[data-said="${digit}"]`);
      act = button && (() => sayAgain(button));
    } else if (digit !== undefined) {
      const button = document.querySelector(`[aria-keyshortcuts="${digit}"]`);
      act = button && (() => give(Number(button.dataset.points)));
    } else if (key === "+") act = () => step(Number(form.dataset.step));
    else if (key === "-") act = () => step(-Number(form.dataset.step));
    else if (key === "x") act = () => give(null);
    else if (key === "c") act = () => comment.focus();
    else if (key === "w") act = showWho;
    else if (key === "s") act = flush;
    else {
      const link = /^\w$/.test(key) && document.querySelector(`a[data-key="${key}"]`);
      act = link && (() => go(link));
    }
    if (act) {
      event.preventDefault();
      act();
    }
  }

  removeEventListener("keydown", keep);
  addEventListener("keydown", press);
  early.forEach(press);
}
