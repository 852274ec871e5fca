from tests.easypost.conftest import _process, simulator

__all__ = ["_process", "simulator"]
