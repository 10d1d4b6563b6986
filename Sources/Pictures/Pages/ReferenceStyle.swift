/// The look of the reference: one stylesheet and one script, both inline. Reads well on a phone and in the dark.
package enum ReferenceStyle {
    package static let css = """
        :root { --text: #111827; --dim: #6b7280; --back: #ffffff; --panel: #f3f4f6; --line: #e5e7eb; --link: #1d4ed8 }
        @media (prefers-color-scheme: dark) { :root { --text: #e5e7eb; --dim: #9ca3af; --back: #0f172a; --panel: #1e293b; --line: #334155; --link: #93c5fd } }
        * { box-sizing: border-box }
        body { font: 16px/1.55 system-ui, sans-serif; color: var(--text); background: var(--back); margin: 0 }
        a { color: var(--link); text-decoration: none } a:hover { text-decoration: underline }
        header { position: sticky; top: 0; background: var(--back); border-bottom: 1px solid var(--line); padding: .5rem 1rem; display: flex; gap: 1rem; align-items: center; z-index: 1 }
        header b { white-space: nowrap } header input { flex: 1; max-width: 24rem; min-width: 0; font: inherit; color: inherit; background: var(--panel); border: 1px solid var(--line); border-radius: 6px; padding: .25rem .6rem }
        .frame { display: grid; grid-template-columns: 13rem minmax(0, 1fr); max-width: 72rem; margin: 0 auto }
        nav { padding: 1rem; border-right: 1px solid var(--line); font-size: .93rem } nav ul { list-style: none; margin: 0; padding: 0 } nav ul ul { padding-left: .8rem; font-size: .88rem }
        nav li { overflow: hidden; text-overflow: ellipsis; white-space: nowrap }
        main { padding: 1rem 1.5rem 4rem } h1 { font-size: 1.6rem; margin: .5rem 0 } h2 { font-size: 1.25rem; margin: 2.5rem 0 .5rem; border-bottom: 1px solid var(--line) }
        section { scroll-margin-top: 4rem; margin: 1.8rem 0 } :target { background: var(--panel); border-radius: 6px; box-shadow: 0 0 0 .5rem var(--panel) }
        h3 { font: 600 1rem/1.4 ui-monospace, Menlo, Consolas, monospace; margin: 0 0 .3rem; overflow-wrap: anywhere } h3 .dim { font-weight: 400; color: var(--dim) }
        p { margin: .4rem 0 } code, pre { font-family: ui-monospace, Menlo, Consolas, monospace; font-size: .9em; background: var(--panel); border-radius: 4px } code { padding: .05rem .25rem; overflow-wrap: anywhere }
        pre { padding: .6rem .8rem; white-space: pre-wrap; overflow-wrap: anywhere }
        table { border-collapse: collapse; width: 100%; margin: .4rem 0; font-size: .93rem } td, th { border-top: 1px solid var(--line); padding: .2rem .8rem .2rem 0; text-align: left; vertical-align: top; overflow-wrap: anywhere }
        td:last-child:nth-child(3) { white-space: nowrap; padding-right: 0 }
        th { font-weight: 400; white-space: nowrap; font-family: ui-monospace, Menlo, Consolas, monospace; font-size: .9em }
        #found { position: absolute; top: 3.2rem; left: 1rem; right: 1rem; max-width: 40rem; max-height: 70vh; overflow: auto; background: var(--back); border: 1px solid var(--line); border-radius: 6px; padding: .3rem .8rem; box-shadow: 0 8px 24px #0004 }
        #found a { display: block; padding: .15rem 0 } #found span { color: var(--dim); font-size: .88rem }
        @media (max-width: 46rem) { .frame { grid-template-columns: minmax(0, 1fr) } nav { border: 0; border-bottom: 1px solid var(--line) } nav ul { column-count: 2 } nav ul ul { display: none } main { padding: .5rem 1rem 4rem } th { white-space: normal; overflow-wrap: break-word; min-width: 6rem } td:last-child:nth-child(3) { white-space: normal } }
        """

    /// The search box: names that begin with what is typed, then those that hold it, then what their documentation
    /// says.
    package static let script = """
        const box = document.querySelector("header input"), found = document.getElementById("found");
        box.addEventListener("input", () => {
          const wanted = box.value.trim().toLowerCase();
          const rank = ([name, , text]) => { const n = name.toLowerCase(), last = n.split(/[.:]/).pop();
            return last === wanted ? 0 : last.startsWith(wanted) ? 1 : n.includes(wanted) ? 2 : text.toLowerCase().includes(wanted) ? 3 : 9 };
          const hits = wanted ? opahIndex.map(item => [rank(item), item]).filter(([r]) => r < 9).sort((a, b) => a[0] - b[0]).slice(0, 40) : [];
          found.hidden = !wanted;
          found.replaceChildren(...(hits.length ? hits.map(([, [name, link, text]]) => {
            const a = document.createElement("a"), span = document.createElement("span");
            a.href = link; a.textContent = name + " "; span.textContent = text; a.append(span); return a }) : ["nothing of that name"]));
        });
        document.addEventListener("keydown", event => {
          if (event.key === "/" && document.activeElement !== box) { event.preventDefault(); box.focus() }
          if (event.key === "Escape") { box.value = ""; found.hidden = true }
          if (event.key === "Enter" && document.activeElement === box) found.querySelector("a")?.click();
        });
        found.addEventListener("click", () => { found.hidden = true });
        """
}
