// Where the sound of the clip is: a line over its pictures, which playing moves, and a click, a key or a drag of the
// sound's own player. A screen reader hears the position when it asks, never while the clip speaks.
import { byId, tell } from "./shared.js"

const player = byId("player"), handle = byId("position"), box = document.querySelector(".pictures")
const lines = { waveform: byId("position"), spectrogram: byId("position-below") }
const still = matchMedia("(prefers-reduced-motion: reduce)")
// Of each picture: where its time begins and ends (shares of its width), and the seconds in between.
const spans = {}
// Of the clip: whether it has a sound, its seconds (0: not known yet), and where it begins when it is loaded.
let sounds = false, seconds = 0, begin = 0
let load = () => {}, frame = 0

/** Seconds from the clip's beginning. */
export const position = () => (player.getAttribute("src") ? player.currentTime : begin)
const length = () => (player.getAttribute("src") && Number.isFinite(player.duration) ? player.duration
  : seconds || spans.waveform?.span || 0)
const inWords = () => `${position().toFixed(1)} of ${length().toFixed(1)} seconds`

/** Another clip. `loads` gets its sound into the player, when it is wanted. */
export function another(clip, loads) {
  sounds = clip.sound
  seconds = clip.seconds ?? 0
  begin = 0
  load = loads
  for (const name of Object.keys(lines)) delete spans[name]
  draw(true)
}

/** A picture's time, as the program says it: "LEFT RIGHT SECONDS". */
export function spanOf(name, text) {
  const [left, right, span] = (text ?? "").split(" ").map(Number)
  if (right > left && span > 0) spans[name] = { left, right, span }
  else delete spans[name]
  draw(true)
}

/** Moves the lines; `said` also tells those who only hear. */
function draw(said) {
  const at = position()
  for (const [name, line] of Object.entries(lines)) {
    const span = spans[name]
    // Of a long recording only the beginning is drawn.
    line.hidden = !span || at > span.span + 0.05
    if (!line.hidden) line.style.left = `${100 * (span.left + (span.right - span.left) * Math.min(1, at / span.span))}%`
  }
  if (!said) return
  handle.setAttribute("aria-valuemax", length().toFixed(2))
  handle.setAttribute("aria-valuenow", at.toFixed(2))
  handle.setAttribute("aria-valuetext", inWords())
}

/** Where the pictures are wider than the window, the line stays in sight. */
function follow() {
  if (handle.hidden || box.scrollWidth <= box.clientWidth) return
  const x = handle.offsetLeft - box.scrollLeft
  if (x < 0 || x > box.clientWidth - 24) box.scrollLeft = handle.offsetLeft - 24
}

function step() {
  frame = 0
  if (player.paused) return
  draw(false)
  follow()
  frame = requestAnimationFrame(step)
}

/** Goes to a moment of the clip; whether it plays or not stays as it is. */
export function seek(to) {
  if (!sounds) return
  const at = Math.max(0, Math.min(to, length()))
  if (player.getAttribute("src")) player.currentTime = at
  else {
    begin = at
    load()
  }
  draw(true)
  follow()
}

/** Says where the clip is. */
export const say = () => tell(!sounds ? "There is no sound." : `${inWords()}${player.paused ? "" : ", playing"}.`)

for (const name of ["play", "playing"]) {
  player.addEventListener(name, () => { if (!still.matches && frame === 0) frame = requestAnimationFrame(step) })
}
// Who wants nothing to glide sees the line in its new place a few times a second, which is when the player says so.
player.addEventListener("timeupdate", () => { if (still.matches) draw(false) })
for (const name of ["pause", "ended", "seeked", "loadedmetadata", "emptied"]) {
  player.addEventListener(name, () => draw(true))
}
handle.addEventListener("focus", () => draw(true))

for (const name of Object.keys(lines)) {
  byId(name).addEventListener("click", (event) => {
    const span = spans[name], place = event.currentTarget.getBoundingClientRect()
    if (!span) return
    const share = (event.clientX - place.left) / place.width
    seek(span.span * Math.max(0, share - span.left) / (span.right - span.left))
  })
}

handle.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return
  const steps = { ArrowLeft: -0.1, ArrowDown: -0.1, ArrowRight: 0.1, ArrowUp: 0.1, PageDown: -1, PageUp: 1,
    Home: -Infinity, End: Infinity }
  const by = steps[event.key]
  if (by === undefined) return
  event.preventDefault()
  seek(position() + by)
})
