// All works without this file. It shows what the server rendered, and decides nothing.
//   data-swap   an element with an id: its content is that of the page that is asked for
//   data-ask    a form or control: while somebody types it is posted to that URL, and what
//               comes back stands in the element that data-into names
//   data-load   an element whose content is fetched from that URL
//   data-chooses  an element whose value is that of the radio buttons of that name
//   data-copy   a button that copies the text of the pre in the same article
//   data-stay   a link or form that the browser follows by itself

const page = () => document.querySelectorAll("[data-swap]");
const waiting = new Map();

// fetched asks for a URL. A later question to the same end takes the place of an earlier,
// whose answer is null then.
async function fetched(end, url, options = {}) {
  waiting.get(end)?.abort();
  const stop = new AbortController();
  waiting.set(end, stop);
  const slow = setTimeout(() => end.classList.add("busy"), 150); // painting it takes as long as most answers
  try {
    const answer = await fetch(url, { ...options, signal: stop.signal });
    const text = await answer.text();
    if (waiting.get(end) === stop) return [text, answer];
  } catch (error) {
    if (error.name !== "AbortError") return [];
  } finally {
    clearTimeout(slow);
    if (waiting.get(end) === stop) {
      waiting.delete(end);
      end.classList.remove("busy");
    }
  }
  return [undefined, null];
}

// show puts the page of a URL into this one. What is typed, where the focus is and what
// is unfolded stay, unless it is another view.
async function show(url, { then, scroll, unlessTyped } = {}) {
  const [text, answer] = await fetched(document.getElementById("main"), url);
  if (answer === null) return;
  if (text === undefined) return location.assign(url);
  if (unlessTyped && typed()) return tell();
  const other = new DOMParser().parseFromString(text, "text/html");
  if (!other.getElementById("main")) return location.assign(url);
  const before = location.pathname;
  then?.(answer.redirected ? answer.url : url);
  const same = before === location.pathname;
  const at = document.activeElement, open = [...document.querySelectorAll("details[id]")].map((d) => [d.id, d.open]);
  const find = at?.id ? `#${CSS.escape(at.id)}` : at?.name && `[name="${CSS.escape(at.name)}"]`;
  for (const part of page()) swap(part, [...(other.getElementById(part.id)?.childNodes ?? [])]);
  document.title = other.title;
  const now = same && find && at !== document.body ? document.querySelector(find) : null;
  if (same) for (const [id, was] of open) document.getElementById(id)?.toggleAttribute("open", was);
  if (now && now !== at) {
    if (at.type === "search" || at.type === "text") now.value = at.value;
    now.focus({ preventScroll: true });
    if (at.selectionStart != null && now.setSelectionRange) now.setSelectionRange(at.selectionStart, at.selectionEnd);
  } else if (!same) document.getElementById("main").focus({ preventScroll: true });
  if (scroll !== undefined || !same) scrollTo(0, scroll ?? 0);
  load();
}

// swap puts nodes in the place of a part's, but for those that are the same: a click on
// one of them that has begun would be lost.
function swap(part, nodes) {
  const is = [...part.childNodes];
  if (is.length !== nodes.length) return part.replaceChildren(...nodes);
  is.forEach((node, i) => node.isEqualNode(nodes[i]) || node.replaceWith(nodes[i]));
}

const push = (url) => {
  history.replaceState({ y: scrollY }, "");
  history.pushState(null, "", url);
};
const replace = (url) => history.replaceState(history.state, "", url);

// address is the URL of a form that asks, without what is empty.
function address(form, button) {
  const url = new URL(form.action), said = new FormData(form, button);
  url.search = new URLSearchParams([...said].filter(([, value]) => value !== ""));
  return url.href;
}

function load(root = document) {
  for (const end of root.querySelectorAll("[data-load]")) {
    const url = end.dataset.load;
    end.removeAttribute("data-load");
    fetched(end, url, { headers: { "X-Fragment": "1" } }).then(([text, answer]) => put(end, text, answer));
  }
}

function put(end, text, answer) {
  if (text === undefined || !answer.ok) return;
  end.replaceChildren(...new DOMParser().parseFromString(text, "text/html").body.childNodes);
  for (const one of end.querySelectorAll("[data-chooses]")) {
    const radio = document.querySelector(`[name="${CSS.escape(one.dataset.chooses)}"][value="${CSS.escape(one.value)}"]`);
    if (radio && document.activeElement?.name !== radio.name) radio.checked = true; // unless somebody chooses just now
  }
  load(end);
}

// typed reports whether a form that is to be sent holds what nobody has taken yet.
let sent = false;
const typed = () => !sent && [...document.querySelectorAll("form[method=post]")].some((form) => [...form.elements].some(differs));
const differs = (one) => one.ariaInvalid === "true" || (one.options ? one.selectedIndex !== Math.max(0, [...one.options].findIndex((o) => o.defaultSelected))
  : one.matches("input, textarea") && (one.value !== one.defaultValue || one.checked !== one.defaultChecked));
const tell = () => { document.getElementById("news").hidden = false; };

addEventListener("beforeunload", (event) => typed() && event.preventDefault());
addEventListener("pageshow", () => { sent = false; });

const later = new Map();
function soon(key, wait, act) {
  clearTimeout(later.get(key));
  later.set(key, setTimeout(act, wait));
}

function ask(from) {
  const end = document.getElementById(from.dataset.into);
  const body = new URLSearchParams(from.form ? [[from.name, from.value]] : new FormData(from));
  if (end) fetched(end, from.dataset.ask, { method: "POST", body, headers: { "X-Fragment": "1" } }).then(([text, answer]) => put(end, text, answer));
}

addEventListener("input", ({ target }) => {
  const form = target.form;
  if (target.dataset?.ask) soon(target, 200, () => ask(target));
  if (form?.dataset.ask) soon(form, 300, () => ask(form));
  sent = false;
  if (form?.method !== "get" || !form.closest("[data-swap]") || "stay" in form.dataset) return;
  const isText = target.type === "search" || target.type === "text";
  soon(form, 0, () => show(address(form), { then: isText ? replace : push }));
});

addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method === "post") sent = true;
  if (form.method !== "get" || "stay" in form.dataset) return;
  event.preventDefault();
  clearTimeout(later.get(form));
  show(address(form, event.submitter), { then: push });
});

addEventListener("click", (event) => {
  const link = event.target.closest?.("a[href]");
  if (!link || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey || "stay" in link.dataset) return;
  const to = new URL(link.href);
  if (to.origin !== location.origin || to.hash || typed() || link.target || link.hasAttribute("download")) return;
  event.preventDefault();
  show(link.href, { then: push });
});

// copied puts a text into the clipboard. Browsers give that to pages of this machine; in
// others what is selected is copied.
async function copied(button) {
  const text = button.closest("article").querySelector("pre"), says = button.firstElementChild;
  const was = says.textContent;
  try {
    await navigator.clipboard.writeText(text.textContent);
  } catch {
    text.closest("details").open = true;
    getSelection().selectAllChildren(text);
    if (!document.execCommand("copy")) return; // it is selected
  }
  says.textContent = "Copied";
  setTimeout(() => { says.textContent = was; }, 2000);
}
addEventListener("click", ({ target }) => {
  const button = target.closest?.("[data-copy]");
  if (button) copied(button);
});

let at = location.href;
addEventListener("input", () => { at = location.href; });
addEventListener("popstate", ({ state }) => {
  if (typed() && !confirm("What you typed is not in the draft yet. Leave the form?")) return history.pushState(null, "", at);
  show(location.href, { scroll: state?.y ?? 0 });
});

// The files are watched while somebody looks: a browser opens few connections to a host.
let watch;
function see() {
  watch?.close();
  const since = document.getElementById("state").dataset.files;
  if (document.hidden || !since) return;
  watch = new EventSource(`/events?since=${encodeURIComponent(since)}`);
  watch.addEventListener("changed", () => {
    if (typed()) tell();
    else show(location.href, { unlessTyped: true }).then(see);
  });
}
addEventListener("visibilitychange", see);
load();
see();
