"""Small changes to a small table: SKUs and what they weigh."""

from shared.platform.db import Database, Write
from tests.support import given

PUT = "INSERT INTO skus (sku, weight_g) VALUES (:sku, :weight_g) RETURNING 1"
HEAVIER = "UPDATE skus SET weight_g = weight_g + :by WHERE weight_g < :limit RETURNING 1"


def put(sku: str, weight_g: int = 1) -> Write:
    return Write(PUT, {"sku": sku, "weight_g": weight_g}, rows=1)


def weights(database: Database) -> list[tuple[object, ...]]:
    return given.rows(database, "SELECT sku, weight_g FROM skus ORDER BY sku")
