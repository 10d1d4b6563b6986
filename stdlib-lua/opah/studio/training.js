// Training runs: curves and lines as they come, and what auditions spoke at the checkpoints, side by side.
import { ask, byId, make, picture, play, shown, tell } from "./shared.js"

const lines = new Map(), kept = 200
let runs = [], run = null, figure = "loss", drawn = 0, timer = null, row = null

export async function runsChanged() {
  const { status, value } = await ask("runs")
  if (status !== 200) return
  runs = value.runs
  byId("run").hidden = runs.length === 0
  byId("no-runs").hidden = runs.length > 0
  byId("no-runs").textContent = `There is no training run below ${shown(value.folder)} yet. `
    + "One that begins is shown here by itself."
  if (!runs.some((one) => one.name === run)) run = runs.at(-1)?.name ?? null
  byId("run-name").replaceChildren(...runs.map((one) => make("option", { value: one.name, selected: one.name === run },
    one.name)))
  if (run !== null) await showRun()
}

const lossOf = (one) => (one.loss === undefined ? "" : ` (held-out loss ${one.loss.toFixed(3)})`)

async function showRun() {
  const { status, value } = await ask("run?run=" + encodeURIComponent(run))
  if (status !== 200 || value.name !== run) return
  if (!value.figures.includes(figure)) figure = value.figures.includes("loss") ? "loss" : value.figures[0] ?? "loss"
  byId("figure").replaceChildren(...value.figures.map((name) => make("option",
    { value: name, selected: name === figure }, name)))
  byId("checkpoints").textContent = value.checkpoints.length === 0 ? "None was written yet."
    : value.checkpoints.map((one) => `step ${one.step}${lossOf(one)}`).join(", ")
  showTakes(value)
  redraw()
  drawLog()
}

/** New lines of a run. */
export function metrics(news) {
  const list = news.anew ? [] : lines.get(news.run) ?? []
  lines.set(news.run, list.concat(news.entries).slice(-kept))
  if (news.run !== run) return
  drawLog()
  if (byId("figure").options.length === 0) return void showRun()
  // The picture is drawn at most once a second.
  timer ??= setTimeout(redraw, Math.max(0, drawn + 1000 - Date.now()))
}

/** The curve, where it is looked at. */
export function redraw() {
  clearTimeout(timer)
  timer = null
  if (run === null || byId("view-training").hidden) return
  drawn = Date.now()
  const image = byId("curve"), next = new Image(), wanted = run
  next.onload = () => {
    if (wanted !== run) return
    image.hidden = false
    image.src = next.src
    const last = lines.get(run)?.findLast((entry) => figure in entry)
    image.alt = `${figure} of ${run} by step`
    if (last) image.alt += `; last ${last[figure].toPrecision(4)} at step ${last.step}`
  }
  next.onerror = () => { if (wanted === run) image.hidden = true }
  next.src = picture(`curve?run=${encodeURIComponent(run)}&figure=${encodeURIComponent(figure)}&at=${drawn}`)
}

export const opened = redraw

const number = (value) => (typeof value !== "number" ? value ?? "" : Number.isInteger(value) ? value
  : value.toPrecision(4))

function drawLog() {
  const list = lines.get(run) ?? [], names = new Set(["step", "stage", "loss"])
  for (const entry of list) for (const name of Object.keys(entry)) names.add(name)
  const columns = [...names].filter((name) => list.some((entry) => name in entry))
  const table = byId("log")
  table.tHead.replaceChildren(make("tr", {}, ...columns.map((name) => make("th", { scope: "col" }, name))))
  table.tBodies[0].replaceChildren(...list.slice().reverse().map((entry) => make("tr", {},
    ...columns.map((name) => make("td", {}, number(entry[name]))))))
}

function showTakes(value) {
  row = null
  if (value.sentences.length === 0) {
    byId("takes").replaceChildren(make("p", { className: "dim" }, value.checkpoints.length === 0 ? ""
      : "To hear them side by side: opah run audition RUN --vq-checkpoint-path CODEC"))
    return
  }
  byId("takes").replaceChildren(...value.sentences.map((sentence) => {
    const title = make("h3", {}, sentence.text, make("span", { className: "dim" }, ` seed ${sentence.seed}`))
    const takes = make("div", { className: "row", tabIndex: 0 }, ...sentence.takes.map((take, i) => {
      const audio = take.sound ? make("audio", { controls: true, preload: "none", src: "/api/take?file="
        + encodeURIComponent(take.sound) }) : null
      audio?.setAttribute("aria-label", `step ${take.step}: ${sentence.text}`)
      const box = make("div", { className: "take" }, make("b", {}, `${i + 1}. step ${take.step}`),
        take.ended ? null : " (cut off)", audio ?? make("p", {}, "no sound"),
        make("div", { className: "dim" }, [take.seconds !== undefined && `${take.seconds.toFixed(2)} s`,
          take.distance !== undefined && `distance ${take.distance.toFixed(3)}`].filter(Boolean).join(" · ")),
        take.picture ? make("img", { loading: "lazy", width: 320, height: 240, alt: `spectrogram of step ${take.step}`,
          src: "/api/take?file=" + encodeURIComponent(take.picture) }) : null)
      audio?.addEventListener("play", () => box.classList.add("playing"))
      for (const name of ["pause", "ended"]) audio?.addEventListener(name, () => box.classList.remove("playing"))
      return box
    }))
    takes.setAttribute("role", "group")
    takes.setAttribute("aria-label", "all checkpoints")
    const section = make("section", {}, title, takes)
    section.addEventListener("focusin", () => { row = section })
    section.addEventListener("pointerdown", () => { row = section })
    return section
  }))
}

/** 1 to 9 play the sentence that has the focus, or the first, at that checkpoint. */
export function key(name) {
  if (!/^[1-9]$/.test(name)) return false
  const section = row ?? byId("takes").querySelector("section")
  const audio = section?.querySelectorAll(".take")[name - 1]?.querySelector("audio")
  if (!audio) return false
  tell(audio.getAttribute("aria-label"))
  play(audio)
  return true
}

byId("run-name").addEventListener("change", (event) => { run = event.target.value; showRun() })
byId("figure").addEventListener("change", (event) => { figure = event.target.value; redraw() })
