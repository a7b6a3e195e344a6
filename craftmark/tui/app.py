"""The terminal view: a list of scans and floods, a screen for each, and the keys of mitmproxy.

Text reaches widgets as ``rich.text.Text`` or with markup off: what packets and file names hold is never read as markup.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from rich.text import Text
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen, Screen
from textual.widgets import ContentSwitcher, DataTable, Footer, Input, Static

from craftmark.render.escape import visible
from craftmark.tui.panes import Pane, Row, listing, panes
from craftmark.tui.writing import FORMATS, write_export

if TYPE_CHECKING:
    from craftmark.pipeline import Settings
    from craftmark.report.document import Report

_HELP: Final = """\
j k, up down    next and previous row           g G      first and last row
J K             scroll what is said of the row
enter l right   open                            h left   back
tab shift+tab   next and previous pane          q esc    back, and out of the list
/               filter the rows; enter keeps it, an empty one shows all
e               export the scan: rules, documents, its packets
?               this help"""


class PaneView(VerticalScroll):
    """A table, and below it what its chosen row says in full."""

    DEFAULT_CSS = """
    PaneView { height: 1fr; }
    PaneView DataTable { height: auto; max-height: 60%; }
    PaneView .detail { height: auto; padding: 1 2; }
    """

    def __init__(self, pane: Pane) -> None:
        super().__init__(id=f"pane-{pane.name}", can_focus=False)
        self.pane = pane
        self.rows: tuple[Row, ...] = pane.rows
        self.filter = ""

    def compose(self) -> ComposeResult:
        """Lay out the table, where it has columns, and the detail."""
        if self.pane.columns:
            yield DataTable(cursor_type="row", zebra_stripes=True)
        yield Static(self.pane.detail, classes="detail", markup=False)

    def on_mount(self) -> None:
        """Fill the table."""
        if self.pane.columns:
            self.table.add_columns(*map(Text, self.pane.columns))
            self.show_rows("")

    @property
    def table(self) -> DataTable[Text]:
        """The table."""
        return self.query_one(DataTable)

    @property
    def chosen(self) -> Row | None:
        """The row under the cursor."""
        return self.rows[self.table.cursor_row] if self.pane.columns and self.rows else None

    def show_rows(self, wanted: str) -> None:
        """Show the rows that hold a text."""
        if not self.pane.columns:
            return
        self.filter = wanted
        self.rows = tuple(row for row in self.pane.rows if row.has(wanted))
        self.table.clear()
        for row in self.rows:
            self.table.add_row(*(Text(cell, no_wrap=True) for cell in row.cells))
        self.show_detail()

    def show_detail(self) -> None:
        """Show what the chosen row says."""
        row = self.chosen
        nothing = f"No row holds {self.filter}." if self.filter else self.pane.detail or "Nothing to show."
        self.query_one(".detail", Static).update(Text(row.detail if row else visible(nothing)))

    def on_data_table_row_highlighted(self, _: DataTable.RowHighlighted) -> None:
        """Follow the cursor."""
        self.show_detail()


class Browser(Screen[None]):
    """A screen of panes with the keys for walking about."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "move('cursor_down')", show=False),
        Binding("k", "move('cursor_up')", show=False),
        Binding("g", "move('scroll_top')", show=False),
        Binding("G", "move('scroll_bottom')", show=False),
        Binding("J", "scroll(1)", show=False),
        Binding("K", "scroll(-1)", show=False),
        Binding("l,right", "open", show=False),
        Binding("h,left,q,escape", "back", "back"),
        Binding("tab", "turn(1)", "next pane"),
        Binding("shift+tab", "turn(-1)", show=False),
        Binding("slash", "filter", "filter"),
        Binding("e", "export", "export"),
        Binding("question_mark", "help", "help"),
    ]

    def __init__(self, title: str, shown: tuple[Pane, ...]) -> None:
        super().__init__()
        self._title = title
        self._panes = shown

    def compose(self) -> ComposeResult:
        """Lay out the title, the panes one over the other, the filter and the keys."""
        yield Static(id="title", markup=False)
        with ContentSwitcher(initial=f"pane-{self._panes[0].name}"):
            for pane in self._panes:
                yield PaneView(pane)
        yield Input(placeholder="only rows with this text", id="filter", disabled=True)
        yield Footer()

    def on_mount(self) -> None:
        """Show the first pane."""
        self.query_one("#filter").display = False
        self.turn_to(0)

    @property
    def view(self) -> PaneView:
        """The pane that is shown."""
        found = self.query_one(ContentSwitcher).visible_content
        assert isinstance(found, PaneView)
        return found

    def turn_to(self, number: int) -> None:
        """Show a pane by its place."""
        self.query_one(ContentSwitcher).current = f"pane-{self._panes[number].name}"
        names = [f"[{one.name}]" if at == number else f" {one.name} " for at, one in enumerate(self._panes)]
        line = f"{self._title}   {' '.join(names)}" if len(names) > 1 else self._title
        self.query_one("#title", Static).update(Text(visible(line), style="bold", no_wrap=True))
        if self._panes[number].columns:
            self.view.table.focus()
        else:
            self.set_focus(None)

    def action_turn(self, step: int) -> None:
        """Show the next pane, or the one before."""
        names = [pane.name for pane in self._panes]
        self.turn_to((names.index(self.view.pane.name) + step) % len(names))

    def action_move(self, how: str) -> None:
        """Move the cursor, or scroll where there is no table."""
        if self.view.pane.columns:
            getattr(self.view.table, f"action_{how}")()
        else:
            getattr(self.view, {"cursor_down": "scroll_down", "cursor_up": "scroll_up", "scroll_top": "scroll_home",
                                "scroll_bottom": "scroll_end"}[how])()  # fmt: skip

    def action_scroll(self, way: int) -> None:
        """Scroll the detail, half a page at once."""
        self.view.scroll_relative(y=way * max(1, self.view.size.height // 2), animate=False)

    def action_open(self) -> None:
        """Open what is chosen; details are open already."""

    def action_back(self) -> None:
        """Go back to where this was opened."""
        self.app.pop_screen()

    def action_filter(self) -> None:
        """Ask for a text that rows must hold."""
        field = self.query_one("#filter", Input)
        field.disabled, field.display = False, True
        field.value = self.view.filter
        field.focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Filter while the text is written."""
        self.view.show_rows(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Keep the filter and go back to the rows."""
        event.input.disabled, event.input.display = True, False
        if self.view.pane.columns:
            self.view.table.focus()

    def action_help(self) -> None:
        """Show the keys."""
        self.app.push_screen(Help())

    def scan_id(self) -> str | None:
        """Return the scan or flood that is meant."""
        raise NotImplementedError

    def action_export(self) -> None:
        """Ask for a form, and write the scan that is meant."""
        scan = self.scan_id()
        if scan is not None:
            self.app.push_screen(Exports(scan))


class CaseList(Browser):
    """The scans and floods of the case."""

    def __init__(self, report: Report, name: str) -> None:
        words = f"{report.scans_total:,} scans, {report.floods_total:,} floods"
        super().__init__(f"craftmark {name}: {words}", (listing(report),))
        self._report = report

    def scan_id(self) -> str | None:
        """Return the chosen one."""
        return self.view.chosen.key if self.view.chosen else None

    def on_data_table_row_selected(self, _: DataTable.RowSelected) -> None:
        """Open on enter."""
        self.action_open()

    def action_open(self) -> None:
        """Open the chosen scan or flood."""
        scan = self.scan_id()
        if scan is not None:
            self.app.push_screen(ScanView(self._report, scan))

    def action_back(self) -> None:
        """Leave."""
        self.app.exit()


class ScanView(Browser):
    """One scan or flood, pane by pane."""

    def __init__(self, report: Report, scan: str) -> None:
        super().__init__(scan, panes(report, scan))
        self._scan = scan

    def scan_id(self) -> str | None:
        """Return this one."""
        return self._scan


class Overlay(ModalScreen[None]):
    """Something in front of the rest, which q, escape or h closes."""

    DEFAULT_CSS = """
    Overlay { align: center middle; }
    Overlay > * { width: 90; max-width: 95%; height: auto; max-height: 80%; border: round $primary; padding: 1 2; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("q,escape,h,left,question_mark", "app.pop_screen", "back")]


class Help(Overlay):
    """The keys."""

    def compose(self) -> ComposeResult:
        """Lay out the text."""
        yield Static(_HELP, markup=False)


class Exports(Overlay):
    """The forms in which a scan is written."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "move('cursor_down')", show=False),
        Binding("k", "move('cursor_up')", show=False),
    ]

    def __init__(self, scan: str) -> None:
        super().__init__()
        self._scan = scan

    def compose(self) -> ComposeResult:
        """Lay out the forms."""
        yield DataTable(cursor_type="row")

    def on_mount(self) -> None:
        """Fill the list."""
        table = self.query_one(DataTable)
        table.add_columns("as", "what it is")
        for name, meaning in FORMATS.items():
            table.add_row(name, meaning)
        table.focus()

    def action_move(self, how: str) -> None:
        """Move the cursor."""
        getattr(self.query_one(DataTable), f"action_{how}")()

    def on_data_table_row_selected(self, event: DataTable.RowSelected) -> None:
        """Write the chosen form into the folder the program was started in."""
        app = self.app
        assert isinstance(app, CaseApp)
        self.app.pop_screen()
        app.export(self._scan, list(FORMATS)[event.cursor_row])


class CaseApp(App[None]):
    """The application."""

    ENABLE_COMMAND_PALETTE = False
    CSS = """
    ContentSwitcher { height: 1fr; }
    #title { height: 1; background: $primary; color: $text; padding: 0 1; }
    """

    def __init__(self, report: Report, case: str, settings: Settings) -> None:
        super().__init__()
        self._report = report
        self._case = case
        self._settings = settings
        self.told = ""

    def get_default_screen(self) -> Screen[Any]:
        """Begin with the list."""
        return CaseList(self._report, self._case)

    def export(self, scan: str, form: str) -> None:
        """Write an export in a thread of its own, and say where it went or why not."""
        self.run_worker(lambda: self._export(scan, form), thread=True, exclusive=True)

    def _export(self, scan: str, form: str) -> None:
        told, is_fault = write_export(self._report, self._case, self._settings, scan, form)
        self.call_from_thread(self._tell, told, is_fault=is_fault)

    def _tell(self, told: str, *, is_fault: bool) -> None:
        self.told = visible(told)
        self.notify(self.told, markup=False, severity="error" if is_fault else "information", timeout=8)
