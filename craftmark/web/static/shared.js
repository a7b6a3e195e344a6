// What every page has: the dialog of keys, and one way to ask the server.

/** Ask the server for a change; throws an Error with the server's sentence. */
export async function ask(path, body, more) {
  const answer = await fetch(path, { method: "POST", body, headers: { "x-craftmark": "page" }, ...more });
  if (!answer.ok) throw new Error(await answer.text());
  return answer.json();
}

/** Make an element: tag, properties, children; text goes in as text. */
export function make(tag, properties, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

/** Whether a key belongs to a field the user is typing in. */
function isTyping(event) {
  return event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea");
}

/** Bind keys of this page: a map from key to what it does. */
export function keys(map) {
  document.addEventListener("keydown", (event) => {
    if (isTyping(event)) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    const act = event.key === "?" ? () => document.getElementById("keys").showModal() : map[event.key];
    if (act && !document.querySelector("dialog[open]")) {
      event.preventDefault();
      act();
    }
  });
}
