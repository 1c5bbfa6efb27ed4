"""The menu as the bus speaks of it: numbers that stay, and what is told of a change."""

from modelctl.desktop.tray.choices import QuitTray
from modelctl.desktop.tray.layout import ROOT, MenuLayout, selected
from modelctl.desktop.tray.menu import MenuItem


def numbers(layout: MenuLayout) -> dict[str, int]:
    return {str(node.properties["label"]): node.number for node in layout.root.children}


def test_an_entry_keeps_its_number_when_others_come_and_go() -> None:
    layout = MenuLayout()
    layout.show((MenuItem("a", "A"), MenuItem("b", "B")))
    before = numbers(layout)
    layout.show((MenuItem("new", "New"), MenuItem("b", "B")))
    assert numbers(layout)["B"] == before["B"]
    layout.show((MenuItem("a", "A"), MenuItem("b", "B")))
    assert numbers(layout) == before


def test_new_labels_alone_are_told_as_properties() -> None:
    layout = MenuLayout()
    layout.show((MenuItem("a", "12%"), MenuItem("b", "B")))
    revision = layout.revision
    update = layout.show((MenuItem("a", "13%"), MenuItem("b", "B")))
    assert (update.restructured, update.removed) == (False, ())
    assert update.changed == ((numbers(layout)["13%"], {"label": "13%"}),)
    assert layout.revision == revision


def test_an_entry_that_can_be_chosen_again_tells_that_it_is_no_longer_greyed() -> None:
    layout = MenuLayout()
    layout.show((MenuItem("a", "A", enabled=False),))
    update = layout.show((MenuItem("a", "A"),))
    assert (update.changed, update.removed) == ((), ((1, ("enabled",)),))


def test_an_entry_more_is_a_new_structure() -> None:
    layout = MenuLayout()
    layout.show((MenuItem("a", "A"),))
    revision = layout.revision
    assert layout.show((MenuItem("a", "A", children=(MenuItem("b", "B"),)),)).restructured
    assert layout.revision == revision + 1


def test_the_same_menu_tells_nothing() -> None:
    layout = MenuLayout()
    entries = (MenuItem("a", "A", checked=True), MenuItem("line", separator=True))
    layout.show(entries)
    update = layout.show(entries)
    assert (update.restructured, update.changed, update.removed) == (False, (), ())


def test_underscores_are_no_access_keys() -> None:
    layout = MenuLayout()
    layout.show((MenuItem("a", "MY_MODEL"),))
    assert layout.root.children[0].properties["label"] == "MY__MODEL"


def test_properties_that_have_their_default_are_left_out() -> None:
    layout = MenuLayout()
    layout.show((MenuItem("a", "A"), MenuItem("b", "B", enabled=False, checked=True), MenuItem("line", separator=True)))
    assert [dict(node.properties) for node in layout.root.children] == [
        {"label": "A"},
        {"label": "B", "enabled": False, "toggle-type": "checkmark", "toggle-state": 1},
        {"type": "separator"},
    ]


def test_an_entry_that_is_gone_is_not_found() -> None:
    layout = MenuLayout()
    layout.show((MenuItem("a", "A", QuitTray()),))
    found = layout.node(1)
    assert found is not None
    assert found.action == QuitTray()
    layout.show(())
    assert layout.node(1) is None
    assert layout.node(ROOT) is layout.root


def test_without_names_all_properties_are_selected() -> None:
    assert selected({"label": "A", "enabled": False}, ()) == {"label": "A", "enabled": False}
    assert selected({"label": "A", "enabled": False}, ("label", "icon-name")) == {"label": "A"}
