"""Simulations, each on a database of its own."""

from emulators.laptop.postgres import Server
from emulators.simulation.run import Outcome, Plan, simulate

NAME = "simulation"


def simulated(server: Server, plan: Plan) -> Outcome:
    """Run a plan in a fresh world."""
    server.create_database(NAME, template="dispatch")
    try:
        return simulate(plan, server, NAME)
    finally:
        server.drop_database(NAME)
