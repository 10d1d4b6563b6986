// The clips: a list, one of them to hear, to see and to correct, and the way back.
import { another, position, say, seek, spanOf } from "./playhead.js"
import { ask, autoplayWanted, byId, complain, make, picture, play, shown, tell } from "./shared.js"

const all = new Map(), drafts = new Map(), sounds = new Map()
let order = [], shownIds = [], current = null, limit = 300, undo = { count: 0 }
const player = byId("player"), text = byId("text")

/** Takes in what the program says: everything, or what is new. */
export function changed(news) {
  if (news.whole) all.clear()
  for (const id of news.gone) all.delete(id)
  for (const clip of news.clips) all.set(clip.id, clip)
  order = [...all.keys()].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))
  if (news.undo) setUndo(news.undo)
  byId("progress").textContent = (news.done ? "" : `examined ${news.seen} of ${news.total} · `)
    + `${news.total} clips, ${news.errors} errors, ${news.notes} notes`
  leftOut(news.left_out)
  drawList()
  const clip = all.get(current)
  if (clip && (news.whole || news.clips.some((one) => one.id === current))) showClip(clip, false)
  if (!clip) select(shownIds[0] ?? null, false)
}

export function begin(news) { changed(news) }

function leftOut(items) {
  const box = byId("left-out")
  box.hidden = items.length === 0
  box.querySelector("summary").textContent = `${items.length} files are left out`
  box.querySelector("ul").replaceChildren(...items.slice(0, 500).map((item) =>
    make("li", {}, `${item.file}: ${item.what}${item.remedy ? ` (${item.remedy})` : ""}`)))
}

const errorsOf = (clip) => clip.faults.filter((fault) => fault.severity === "error").length

function wanted(clip) {
  const kind = byId("kind").value, words = byId("search").value.toLowerCase()
  if (kind === "any" && clip.faults.length === 0) return false
  if (kind === "error" && errorsOf(clip) === 0) return false
  return !words || clip.id.toLowerCase().includes(words) || clip.label.text.toLowerCase().includes(words)
}

function drawList() {
  shownIds = order.filter((id) => wanted(all.get(id)))
  const list = byId("list"), hadFocus = list.contains(document.activeElement), place = list.scrollTop
  list.replaceChildren(...shownIds.slice(0, limit).map((id) => {
    const clip = all.get(id), errors = errorsOf(clip), notes = clip.faults.length - errors
    const button = make("button", { type: "button" }, make("b", {}, id),
      errors ? make("span", { className: "error" }, ` ${errors} error${errors > 1 ? "s" : ""}`) : null,
      notes ? make("span", { className: "note" }, ` ${notes} note${notes > 1 ? "s" : ""}`) : null,
      drafts.has(id) ? make("span", { className: "note" }, " · not saved") : null,
      make("small", {}, clip.label.text || "no label"))
    button.dataset.id = id
    if (id === current) button.setAttribute("aria-current", "true")
    button.addEventListener("click", () => select(id, true))
    return make("li", {}, button)
  }))
  list.scrollTop = place
  if (hadFocus) list.querySelector("[aria-current=true]")?.focus({ preventScroll: true })
  byId("more").hidden = shownIds.length <= limit
  byId("no-clips").hidden = order.length > 0
  byId("count").textContent = shownIds.length === order.length ? `${order.length} clips`
    : `${shownIds.length} of ${order.length} clips`
}

/** Goes to a clip; `loud` says so, and plays it where that is wanted. */
function select(id, loud) {
  keepDraft()
  current = id
  player.pause()
  player.removeAttribute("src")
  player.load()
  byId("clip").hidden = id === null
  if (id === null) return
  const place = shownIds.indexOf(id)
  if (place >= limit) limit = place + 100
  drawList()
  document.querySelector("#list [aria-current=true]")?.scrollIntoView({ block: "nearest" })
  const clip = all.get(id)
  showClip(clip, true)
  if (!loud) return
  const findings = clip.faults.length ? `, ${clip.faults.length} finding${clip.faults.length > 1 ? "s" : ""}` : ""
  tell(`${id}, ${place + 1} of ${shownIds.length}${findings}: ${clip.label.text || "no label"}`)
  if (autoplayWanted()) playClip()
}

function showClip(clip, anew) {
  byId("clip-name").textContent = shown(clip.id)
  byId("clip-facts").textContent = shown([clip.file, clip.speaker && `speaker ${clip.speaker}`, clip.seconds
    && `${clip.seconds.toFixed(2)} s`]
    .filter(Boolean).join(" · "))
  const draft = drafts.get(clip.id)
  if (anew || !draft) {
    text.value = draft ? draft.text : clip.label.text
    text.dataset.digest = draft ? draft.digest : clip.label.digest ?? ""
  }
  text.disabled = byId("save").disabled = clip.label.digest === undefined
  const file = clip.label.file
  byId("label-file").textContent = shown(clip.label.problem ? `${file}: ${clip.label.problem}` : file)
  if (anew) byId("conflict").hidden = true
  byId("faults").replaceChildren(...clip.faults.map((fault) => make("li", { className: `fault ${fault.severity}` },
    make("strong", {}, `${fault.severity}: ${fault.code}`), ` ${fault.what}`, fault.remedy
      ? make("div", { className: "dim" }, fault.remedy) : null)),
    ...(clip.faults.length || !clip.seen ? [] : [make("li", { className: "dim" }, "Nothing was found.")]))
  byId("play").disabled = player.hidden = !clip.sound
  if (anew) {
    another(clip, loadClip)
    redraw()
  }
}

/** The pictures of the clip, in the colours of the page. */
export function redraw() {
  const clip = all.get(current)
  for (const name of ["waveform", "spectrogram"]) draw(byId(name), clip)
}

/** A picture, with the span of time that it shows: the line of the player runs over it. */
async function draw(image, clip) {
  const name = image.id, address = clip?.sound ? picture(`${name}?id=${encodeURIComponent(clip.id)}`) : ""
  image.dataset.wanted = address
  image.parentElement.hidden = !address
  image.parentElement.classList.add("coming")
  if (!address) return
  const answer = await fetch(address).catch(() => null)
  const drawn = answer?.ok ? await answer.blob() : null
  if (image.dataset.wanted !== address) return
  // Why something cannot be drawn is told by doctor's findings.
  image.parentElement.hidden = !drawn
  if (!drawn) return
  URL.revokeObjectURL(image.src)
  image.alt = `${name} of ${clip.id}`
  image.src = URL.createObjectURL(drawn)
  image.parentElement.classList.remove("coming")
  spanOf(name, answer.headers.get("Opah-Span"))
}

/** The sound of a clip as an address of this page; the few latest are kept. */
async function soundOf(id) {
  if (!sounds.has(id)) {
    const answer = await ask("sound?id=" + encodeURIComponent(id))
    if (answer.status !== 200) return null
    sounds.set(id, URL.createObjectURL(answer.value))
    if (sounds.size > 6) {
      const [oldest] = sounds.keys()
      URL.revokeObjectURL(sounds.get(oldest))
      sounds.delete(oldest)
    }
  }
  return sounds.get(id)
}

/** Puts the sound of the clip into the player; whether it is there. */
async function loadClip() {
  const id = current
  if (!all.get(id)?.sound) return false
  if (player.getAttribute("src")) return true
  const address = await soundOf(id), from = position()
  if (!address || id !== current) return false
  if (!player.getAttribute("src")) {
    player.src = address
    player.currentTime = from
  }
  return true
}

/** Plays from where the line is; from the beginning, when it is at the end. */
async function playClip() {
  const id = current
  if (!await loadClip() || id !== current) return
  await play(player, player.ended || player.currentTime >= player.duration ? 0 : player.currentTime)
  const after = shownIds[shownIds.indexOf(id) + 1]
  if (after && all.get(after).sound) soundOf(after)
}

function move(by) {
  const place = shownIds.indexOf(current) + by
  if (place < 0 || place >= shownIds.length) return tell(by > 0 ? "This is the last clip." : "This is the first clip.")
  select(shownIds[place], true)
}

/** What was typed and not saved stays with its clip. */
function keepDraft() {
  const clip = all.get(current)
  if (!clip) return
  if (text.value !== clip.label.text && !text.disabled) drafts.set(current,
    { text: text.value, digest: text.dataset.digest })
  else drafts.delete(current)
}
text.addEventListener("input", keepDraft)
addEventListener("beforeunload", (event) => { if (drafts.size > 0) event.preventDefault() })

function setUndo(value) {
  undo = value
  byId("undo").disabled = undo.count === 0
  byId("undo").textContent = undo.count ? `Undo (${undo.count})` : "Undo"
  byId("undo").title = undo.count
    ? shown(`${undo.action === "label" ? "the label of" : "the exclusion of"} ${undo.id}`) : ""
}

function takeIn(value) {
  if (value.undo) setUndo(value.undo)
  if (value.clip) all.set(value.clip.id, value.clip)
}

async function save(event) {
  event.preventDefault()
  const id = current, typed = text.value.replace(/\s*\n\s*/g, " ").trim()
  if (typed === all.get(id).label.text && text.dataset.digest === all.get(id).label.digest) {
    drafts.delete(id)
    text.value = typed
    return leave("Nothing to save.")
  }
  const { status, value } = await ask("label", { id, text: typed, digest: text.dataset.digest })
  takeIn(value)
  if (status === 200) {
    drafts.delete(id)
    if (id === current) {
      byId("conflict").hidden = true
      showClip(all.get(id), false)
    }
    drawList()
    leave(`Saved: ${value.clip.label.file}.`)
  } else if (status === 409 && value.error.code === "conflict" && id === current) {
    // The next save is made knowing what the file says now.
    byId("theirs").textContent = shown(value.clip.label.text || "(nothing)")
    byId("conflict").hidden = false
    text.dataset.digest = value.clip.label.digest ?? ""
    drafts.set(id, { text: text.value, digest: text.dataset.digest })
    drawList()
  }
}

/** Back from the text field to the clip. */
function leave(message) {
  tell(message)
  byId("play").focus()
}

function cancel() {
  const clip = all.get(current)
  drafts.delete(current)
  text.value = clip.label.text
  text.dataset.digest = clip.label.digest ?? ""
  byId("conflict").hidden = true
  drawList()
  leave("The label is as the file has it.")
}

function edit() {
  if (text.disabled) return complain(byId("label-file").textContent)
  text.focus()
  text.setSelectionRange(text.value.length, text.value.length)
}

async function exclude() {
  const id = current, place = shownIds.indexOf(id)
  if (id === null) return
  const { status, value } = await ask("exclude", { id })
  if (status !== 200) return
  takeIn(value)
  drafts.delete(id)
  all.delete(id)
  order = order.filter((one) => one !== id)
  drawList()
  select(shownIds[Math.min(place, shownIds.length - 1)] ?? null, false)
  tell(`${id} is now in ${value.quarantine}. Undo brings it back.`)
}

async function takeBack() {
  if (undo.count === 0) return tell("There is nothing to undo.")
  const { status, value } = await ask("undo", {})
  takeIn(value)
  if (status !== 200) return
  order = [...all.keys()].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))
  drafts.delete(value.id)
  current = null
  drawList()
  select(value.id, false)
  tell(value.undone === "label" ? `The label of ${value.id} is what it was.` : `${value.id} is back.`)
}

const actions = { " ": () => (player.paused ? playClip() : player.pause()), j: () => move(1), k: () => move(-1),
  h: () => seek(position() - 0.5), l: () => seek(position() + 0.5), p: say, e: edit, x: exclude, u: takeBack }
actions.ArrowDown = actions.j
actions.ArrowUp = actions.k
actions.ArrowLeft = actions.h
actions.ArrowRight = actions.l

/** A single key; whether it meant something here. */
export function key(name) {
  const action = actions[name.length === 1 ? name.toLowerCase() : name]
  if (action) action()
  return action !== undefined
}

byId("play").addEventListener("click", actions[" "])
byId("previous").addEventListener("click", actions.k)
byId("next").addEventListener("click", actions.j)
byId("edit").addEventListener("click", edit)
byId("exclude").addEventListener("click", exclude)
byId("undo").addEventListener("click", takeBack)
byId("cancel").addEventListener("click", cancel)
byId("editor").addEventListener("submit", save)
byId("take-theirs").addEventListener("click", cancel)
byId("more").addEventListener("click", () => { limit += 300; drawList() })
for (const id of ["search", "kind"]) byId(id).addEventListener("input", () => { limit = 300; drawList() })
for (const [name, label] of [["play", "Pause"], ["pause", "Play"], ["ended", "Play"]]) {
  player.addEventListener(name, () => { byId("play").textContent = label })
}
text.addEventListener("keydown", (event) => {
  if (event.isComposing) return
  if (event.key === "Enter" && !event.shiftKey) save(event)
  else if (event.key === "Escape") cancel()
})
