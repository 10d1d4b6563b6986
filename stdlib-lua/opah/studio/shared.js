// What all views share: asking the program, telling the reader, making elements, playing one thing at a time.
export const byId = (id) => document.getElementById(id)
export const meta = (name) => document.querySelector(`meta[name=${name}]`).content

// Controls, separators of lines, and what turns the direction of writing.
const unseen = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufff9-\ufffb]/g

/** Somebody's name or words as text of the page: what is no visible character is written out, as the program does. */
export const shown = (text) => String(text).replace(unseen, (letter) => letter === "\n" ? "\\n"
  : letter === "\r" ? "\\r" : letter === "\t" ? "\\t" : letter < "\u0080"
    ? `\\x${letter.charCodeAt(0).toString(16).padStart(2, "0")}` : `\\u{${letter.charCodeAt(0).toString(16)}}`)

/** A line for eyes and screen readers alike; `problem` stays until the next success. */
export function tell(text) {
  text = shown(text)
  // The same words a second time are read again only when they differ.
  byId("status").textContent = text && text === byId("status").textContent ? `${text}\u00a0` : text
  byId("problem").hidden = true
}
export function complain(text) {
  byId("status").textContent = ""
  byId("problem").textContent = shown(text)
  byId("problem").hidden = false
}

/** Asks the program; gives `{ status, value }`. With a body it is an edit, and carries the word of this page. */
export async function ask(path, body) {
  const options = body === undefined ? {}
    : { method: "POST", headers: { "Content-Type": "application/json", "X-Opah-Page": meta("word") },
      body: JSON.stringify(body) }
  let answer
  try {
    answer = await fetch("/api/" + path, options)
  } catch {
    complain("The studio does not answer: is the program still running?")
    return { status: 0, value: {} }
  }
  const isData = (answer.headers.get("Content-Type") || "").startsWith("application/json")
  const value = isData ? await answer.json() : await answer.blob()
  if (!answer.ok && isData) complain(value.error.message)
  return { status: answer.status, value }
}

/** An element with properties and children; words among them are shown, whatever is in them. */
export function make(tag, properties, ...children) {
  const element = Object.assign(document.createElement(tag), properties)
  element.append(...children.filter((child) => child !== null && child !== undefined)
    .map((child) => child instanceof Node ? child : shown(child)))
  return element
}

export const dark = matchMedia("(prefers-color-scheme: dark)")
/** The address of a picture in the colours of the page. */
export const picture = (path) => `/api/${path}${dark.matches ? "&dark=1" : ""}`

/** Plays one thing at a time, from a moment of it. */
let playing = null
export async function play(audio, from = 0) {
  if (playing && playing !== audio) playing.pause()
  playing = audio
  try {
    audio.currentTime = from
    await audio.play()
  } catch (problem) {
    if (problem.name !== "AbortError") complain(`This sound cannot be played: ${problem.message}`)
  }
}
document.addEventListener("play", (event) => {
  if (playing && playing !== event.target) playing.pause()
  playing = event.target
}, true)

export const autoplayWanted = () => byId("autoplay").checked
