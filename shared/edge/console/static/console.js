// What makes the console quicker for those who use it all day; every page works without it.

// The address of what is shown. After a form that was refused it is not the one that the form was
// sent to, which must not be sent to again.
const page = new URL(document.body.dataset.page ?? location.href, location.href);
page.hash = "";

// Never a reload: that would send a form again.
function anew() {
  location.replace(page);
}

// What may change by itself becomes what a fresh copy of the page has: in place, so that focus,
// selection, what is open and how far it is scrolled stay. Where somebody is filling in a form it
// stays as it was: what they send is checked against what they saw. Whoever is led elsewhere, or
// may see the page no more, goes there; what does not answer for a while takes nothing away.
async function refresh() {
  const headers = { Accept: "text/html", "X-Live": "yes" };
  const answer = await fetch(page, { headers, redirect: "manual" });
  if (answer.status >= 500 || answer.status === 429) throw new Error("not just now");
  if (!answer.ok) {
    anew();
    return;
  }
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  const focused = document.activeElement;
  for (const part of document.querySelectorAll("[data-live]")) {
    const other = fresh.querySelector(`[data-live="${part.dataset.live}"]`);
    if (other && !part.querySelector(BUSY)) become(part, other);
  }
  if (stream.readyState === EventSource.OPEN) say(still());
  if (focused?.isConnected && focused !== document.activeElement) {
    focused.focus({ preventScroll: true });
  }
}

// What somebody has begun.
const TICKED = "[data-live] form.many input:checked";
const BUSY = "details[open] form, form.many input:checked";

const keyOf = (node) => node.dataset?.key ?? (node.id || null);
const isSame = (one, other) => one.nodeName === other.nodeName && keyOf(one) === keyOf(other);

function become(old, fresh) {
  for (const { name } of [...old.attributes]) {
    if (!fresh.hasAttribute(name) && name !== "open") old.removeAttribute(name);
  }
  for (const { name, value } of fresh.attributes) {
    if (name !== "open" && old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  let at = old.firstChild;
  for (const next of [...fresh.childNodes]) {
    const kept = found(at, next);
    if (!kept) {
      old.insertBefore(document.adoptNode(next), at);
      continue;
    }
    if (kept === at) at = at.nextSibling;
    else old.insertBefore(kept, at);
    if (kept.nodeType === Node.ELEMENT_NODE) become(kept, next);
    else if (kept.data !== next.data) kept.data = next.data;
  }
  while (at) {
    const gone = at;
    at = at.nextSibling;
    gone.remove();
  }
}

// Which of those that are left is the same thing. What has no key is only that which comes next.
function found(at, wanted) {
  if (at && isSame(at, wanted)) return at;
  if (keyOf(wanted) === null) return null;
  for (let node = at; node; node = node.nextSibling) if (isSame(node, wanted)) return node;
  return null;
}

// Where the navigation is a row that is wider than the window, one sees in it where one is.
for (const tab of document.querySelectorAll("nav [aria-current=page]")) {
  tab.scrollIntoView({ block: "nearest", inline: "center" });
}

// Looking on: the stream says when something changed, and from where it was heard goes on where it
// ended. A tab that nobody sees hears nothing.
const LIVE = "Live";
const LOST = "Reconnecting…";
const CHOOSING = "Stands still while you choose";
const onAir = document.querySelector("[data-on-air]");
let stream = null;
let heard = null; // the last id
let patience = 1_000; // ms, until the next attempt after one that was refused
let again = 0; // the timer of that
let isDue = false;
let isBusy = false;

function say(word) {
  onAir.hidden = false;
  if (onAir.textContent !== word) onAir.textContent = word;
  onAir.dataset.onAir = word === LIVE ? "live" : "lost";
}

function still() {
  return document.querySelector(TICKED) ? CHOOSING : LIVE;
}

function listen() {
  clearTimeout(again);
  stream?.close();
  const url = new URL(document.body.dataset.stream, location.href);
  if (heard) url.searchParams.set("since", heard);
  stream = new EventSource(url, { withCredentials: true });
  for (const word of ["ready", "changed", "look"]) {
    stream.addEventListener(word, (event) => {
      heard = event.lastEventId;
      patience = 1_000;
      say(still());
      if (word !== "ready") due();
    });
  }
  stream.addEventListener("over", anew);
  stream.addEventListener("error", () => {
    say(LOST);
    if (stream.readyState !== EventSource.CLOSED) return; // the browser tries again by itself
    due(); // whoever may not look on any more may not see the page either
    again = setTimeout(listen, patience * (0.5 + Math.random()));
    patience = Math.min(patience * 2, 30_000);
  });
}

// One copy at a time; what comes while it is fetched makes for one more.
async function due() {
  isDue = true;
  if (isBusy) return;
  isBusy = true;
  try {
    while (isDue) {
      isDue = false;
      await refresh();
    }
  } catch {
    say(LOST);
    setTimeout(due, 2_000);
  } finally {
    isBusy = false;
  }
}

if (onAir) {
  // What a refused form was given back counts as typed: a fresh copy of its page does not empty it.
  for (const field of document.querySelectorAll("form.many :is(input, select):not([type=hidden])")) {
    field.value = field.value;
  }
  listen();
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") listen();
    else {
      clearTimeout(again);
      stream.close();
    }
  });
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-live] form.many input") && !document.querySelector(TICKED)) due();
  });
  addEventListener("pagehide", () => stream.close());
  addEventListener("pageshow", (event) => event.persisted && listen());
}

// Signing out in one tab ends the others: they have nothing to show any more.
const doors = "BroadcastChannel" in window ? new BroadcastChannel("dispatch-doors") : null;
if (doors) {
  doors.addEventListener("message", anew);
  for (const form of document.querySelectorAll("[data-sign-out]")) {
    form.addEventListener("submit", () => sessionStorage.setItem("left", "yes"));
  }
  if (document.body.classList.contains("door") && sessionStorage.getItem("left")) {
    sessionStorage.removeItem("left");
    doors.postMessage("left");
  }
}

// A form is on its way once, however often its button is pressed. The button is disabled after the
// form was read, because one that is disabled says nothing of itself.
document.addEventListener("submit", ({ target }) => {
  if (target.method !== "post") return;
  setTimeout(() => {
    for (const button of target.querySelectorAll("button")) button.disabled = true;
    target.dataset.sent = "yes";
  });
});
addEventListener("pageshow", () => {
  for (const button of document.querySelectorAll("[data-sent] button")) button.disabled = false;
});

// Boxes in a table: the one in its head is for all of them.
document.addEventListener("change", (event) => {
  const all = event.target.closest?.("[data-all]");
  if (!all) return;
  for (const box of all.closest("table").querySelectorAll("tbody input[type=checkbox]")) {
    box.checked = all.checked;
  }
});

// Keys: / searches, g and a letter goes to a page, j and k walk through rows.
let isGoing = false;
document.addEventListener("keydown", (event) => {
  const isTyping = event.target.closest("input, select, textarea, [contenteditable]");
  if (event.ctrlKey || event.metaKey || event.altKey || isTyping) return;
  const field = document.querySelector(`[data-focus="${CSS.escape(event.key)}"]`);
  if (field) {
    event.preventDefault();
    field.focus();
    field.select();
  } else if (isGoing) {
    document.querySelector(`[data-go="${CSS.escape(event.key)}"]`)?.click();
  } else if (event.key === "j" || event.key === "k") {
    walk(event.key === "j" ? 1 : -1);
  }
  isGoing = event.key === "g" && !isGoing;
});

function walk(step) {
  const links = [...document.querySelectorAll("[data-rows] tbody th a")];
  const at = links.indexOf(document.activeElement);
  links[at < 0 ? 0 : Math.min(links.length - 1, Math.max(0, at + step))]?.focus();
}
