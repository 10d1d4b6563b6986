// Type and speak, where the program was started with a model.
import { ask, byId, make, play, tell } from "./shared.js"

export async function begin() {
  const { status, value } = await ask("voices")
  if (status !== 200) return
  byId("speech").hidden = !value.speaks
  byId("no-model").hidden = value.speaks
  byId("words").maxLength = value.max_text
  byId("voice").replaceChildren(...value.voices.map((name) => make("option", { value: name }, name)))
  byId("voice").disabled = value.voices.length === 0
}

async function say(event) {
  event.preventDefault()
  const text = byId("words").value.trim(), voice = byId("voice").value, seed = byId("seed").value
  if (!text) return tell("Type what to say first.")
  byId("say").disabled = true
  tell("Speaking ...")
  const began = performance.now()
  const body = { text, ...(voice ? { voice } : {}), ...(seed === "" ? {} : { seed: Number(seed) }) }
  const { status, value } = await ask("speak", body)
  byId("say").disabled = false
  if (status !== 200) return tell("")
  const audio = make("audio", { controls: true, src: URL.createObjectURL(value) })
  audio.setAttribute("aria-label", text)
  byId("spoken").prepend(make("li", {}, make("p", {}, text), make("p", { className: "dim" },
    [voice, seed && `seed ${seed}`].filter(Boolean).join(" · ")), audio))
  tell(`Spoken in ${((performance.now() - began) / 1000).toFixed(1)} s.`)
  play(audio)
}

byId("speech").addEventListener("submit", say)
byId("words").addEventListener("keydown", (event) => { if (event.key === "Enter" && !event.shiftKey
  && !event.isComposing) say(event) })
