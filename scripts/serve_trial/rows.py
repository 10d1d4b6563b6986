"""What was checked: rows with a verdict, printed as they come, or all at the end as JSON."""
import contextlib, json, sys, traceback


class Rows:
    def __init__(self, quiet):
        self.rows, self.quiet = [], quiet

    def add(self, name, verdict, detail=""):
        """`verdict`: met, NOT MET or skipped."""
        self.rows.append({"row": name, "verdict": verdict, "detail": str(detail)})
        print(f"  {name:<66} {verdict:<8} {detail}", file=sys.stderr if self.quiet else sys.stdout, flush=True)

    def require(self, name, holds, detail=""): self.add(name, "met" if holds else "NOT MET", detail)

    def skip(self, names, why):
        for name in names: self.add(name, "skipped", why)

    @contextlib.contextmanager
    def row(self, name):
        """A row that is met unless something inside fails; `told` is what its detail says."""
        told = []
        try:
            yield told.append
        except Exception as problem:
            where = traceback.extract_tb(problem.__traceback__)[-1]
            self.add(name, "NOT MET", f"{type(problem).__name__}: {str(problem)[:300]} ({where.name}, line {where.lineno})")
        else:
            self.add(name, "met", " ".join(map(str, told)))

    def show(self, numbers, as_json):
        if as_json:
            print(json.dumps({"rows": self.rows, **numbers}, indent=2))
            return
        for title, table in numbers.items():
            print(title)
            for name, value in table.items(): print(f"  {name:<58} {value}")

    def code(self):
        verdicts = {row["verdict"] for row in self.rows}
        return 1 if "NOT MET" in verdicts else 3 if "skipped" in verdicts else 0


def expect(holds, *what):
    """Fails with what was found."""
    if not holds: raise AssertionError(" ".join(map(str, what)))
