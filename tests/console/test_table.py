"""Pages are loaded by the first word of their path, and none is lost by that."""

from shared.edge.console.routes import API, Act, View
from shared.edge.console.table import TABS, all_routes, done, routes_at

ROUTES = all_routes()


def test_every_route_is_found_by_its_path_without_the_others() -> None:
    # Goal: a page whose path begins with another word than its module stands by would be a 404.
    lost = [
        route.name
        for route in ROUTES
        for path in (route.path, API + (route.path if route.path != "/" else "/overview"))
        if route not in routes_at(path)
    ]

    assert lost == []
    assert routes_at("/no-such-page") == ()
    assert len(routes_at("/orders")) < len(ROUTES)


def test_what_was_done_is_said_on_the_page_that_is_shown_then() -> None:
    acts = [route for route in ROUTES if isinstance(route, Act)]

    assert all(done(act.view.path, act.name) == act.done for act in acts)
    assert done("/orders", "nonsense") is None


def test_the_navigation_knows_the_views_that_have_a_tab() -> None:
    views = [route for route in ROUTES if isinstance(route, View) and route.tab is not None]

    assert [(view.tab, view.path, view.key, view.action) for view in views] == [*TABS]
