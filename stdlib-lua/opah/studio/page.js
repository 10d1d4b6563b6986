// The page: its views, its keys, and the events that keep it up to date.
import * as clips from "./clips.js"
import * as training from "./training.js"
import * as speak from "./speak.js"
import { ask, byId, complain, dark, meta, tell } from "./shared.js"

let view = "clips"
function show(name) {
  view = name
  tell("")
  for (const button of document.querySelectorAll("nav button")) {
    if (button.dataset.view === name) button.setAttribute("aria-current", "page")
    else button.removeAttribute("aria-current")
    byId("view-" + button.dataset.view).hidden = button.dataset.view !== name
  }
  if (name === "training") training.opened()
}
for (const button of document.querySelectorAll("nav button")) {
  button.addEventListener("click", () => show(button.dataset.view))
}

// Single keys: not in fields, not with modifiers, not where a button takes the key itself, and only where they are
// wanted.
const keysWanted = byId("keys"), autoplay = byId("autoplay")
for (const box of [keysWanted, autoplay]) {
  box.checked = localStorage.getItem("opah-" + box.id) !== "off"
  box.addEventListener("change", () => localStorage.setItem("opah-" + box.id, box.checked ? "on" : "off"))
}
document.addEventListener("keydown", (event) => {
  const target = event.target
  if (!keysWanted.checked || event.ctrlKey || event.metaKey || event.altKey || event.isComposing
    || event.defaultPrevented) return
  if (target.closest("textarea, select, input:not([type=checkbox])")) return
  if (event.key === " " && target.closest("button, summary, input, audio")) return
  // Arrows move the player's own slider, and what is wider than the window.
  if (/^Arrow(Left|Right)$/.test(event.key) && target.closest("audio, [role=region]")) return
  const done = view === "clips" ? clips.key(event.key) : view === "training" ? training.key(event.key) : false
  if (done) event.preventDefault()
})

function listen(since) {
  const events = new EventSource("/api/events?since=" + since)
  const on = (name, handler) => events.addEventListener(name, (event) => handler(JSON.parse(event.data)))
  on("hello", ({ start }) => {
    if (start === meta("start")) return
    events.close()
    complain("The studio was started again: load this page anew. Texts that were not saved are still here.")
  })
  on("clips", clips.changed)
  on("runs", training.runsChanged)
  on("metrics", training.metrics)
  events.addEventListener("error", () => {
    if (events.readyState === EventSource.CLOSED) complain("The studio has ended, or too many of its pages are open.")
  })
}

const first = await ask("clips")
if (first.status === 200) {
  clips.begin(first.value)
  speak.begin()
  listen(first.value.version)
}
dark.addEventListener("change", () => { clips.redraw(); training.redraw() })
