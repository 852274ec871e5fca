"""`python -m infra.release WORD`: what the pipeline does after a build.

Most words run where gcloud is, with the standard library alone; `old-code` runs where the tests do;
`smoke`, `replay`, `admin` and `catalogue` as Cloud Run jobs, from the image. The image is named by
its digest in a file that Terraform reads too.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from infra.release import canary, first_password, metadata, serving, smoke, vulnerabilities
from infra.release.gcloud import Gcloud, Refused, gcloud
from infra.release.judge import Judgement, Limits, Verdict
from infra.release.metrics import measured, monitoring
from infra.release.traffic import NothingToMove, Traffic, services_of

FUNCTIONS = Path(__file__).parents[2] / "functions"
IMAGE_FILE = Path(__file__).parents[1] / "image.auto.tfvars.json"
SERVING_FILE = Path(__file__).parents[1] / "serving.json"
JOBS = ("begin", "migrate-contract", "migrate-expand", "replay", "smoke")


def main(words: Sequence[str], run: Gcloud = gcloud) -> int:
    """Do what the words say; exit code 0 where the release may go on."""
    arguments = _parser().parse_args(words)
    try:
        return _act(arguments, run)
    except (Refused, NothingToMove) as refused:
        sys.stderr.write(f"{refused}\n")
        return 1


def _parser() -> argparse.ArgumentParser:
    plan = canary.Plan()
    parser = argparse.ArgumentParser(prog="infra.release", description=__doc__)
    kinds = parser.add_subparsers(dest="word", required=True, metavar="WORD")
    digest = kinds.add_parser("digest", help="write down which image a tag is")
    digest.add_argument("tag")
    kinds.add_parser("scan", help="look for vulnerabilities that have a repair")
    for word, what in (
        ("jobs", "let the jobs run from the image"),
        ("job", "run a job to its end"),
        ("deploy", "make revisions that serve nobody"),
        ("canary", "a tenth of the traffic, then all or none"),
        ("serving", "write down which commits serve"),
        ("tested", "whether what serves was tried on this schema"),
        ("promote", "all of the traffic to the candidates"),
        ("roll-back", "all of the traffic to what served before"),
    ):
        kind = kinds.add_parser(word, help=what)
        kind.add_argument("--region", required=True)
        if word == "canary":
            kind.add_argument("--project", required=True)
            kind.add_argument("--percent", type=int, default=plan.percent)
            kind.add_argument("--minutes", type=int, default=plan.minutes)
        if word == "job":
            kind.add_argument("name", choices=JOBS)
            kind.add_argument("--args", help="instead of its usual ones, with commas between")
    kinds.add_parser("old-code", help="try what serves on the schema of today")
    knock = kinds.add_parser("smoke", help="knock at addresses")
    knock.add_argument("urls", nargs="+", metavar="URL")
    replay = kinds.add_parser("replay", help="make kept decisions again, and judge")
    replay.add_argument("--hours", type=int, default=24)
    replay.add_argument("--audit", action="store_true", help="audit the database instead")
    replay.add_argument("--differences", type=int, default=Limits().differences)
    admin = kinds.add_parser("admin", help="let in somebody who lets in others")
    admin.add_argument("email", metavar="E-MAIL")
    admin.add_argument("--name", required=True, help="how to address them")
    admin.add_argument("--behind-proxy", action="store_true", help="no password: IAP knows them")
    catalogue = kinds.add_parser("catalogue", help="load what is sold, from where, at which rates")
    catalogue.add_argument("file", type=Path)
    return parser


def _act(arguments: argparse.Namespace, run: Gcloud) -> int:
    match arguments.word:
        case "digest":
            return _digest(arguments.tag, run)
        case "scan":
            return _scan(_image(), run)
        case "old-code":
            failed = serving.try_all(json.loads(SERVING_FILE.read_text()), serving.test_old_code)
            return _told([f"{commit} fails on the schema of today" for commit in failed])
        case "smoke":
            token = metadata.identity_token(os.environ["DISPATCH_OIDC_AUDIENCE"])
            return _told(smoke.knock_at(arguments.urls, token, smoke.knock))
        case "replay" | "admin" | "catalogue":
            return _with_database(arguments)
        case _:
            return _move(arguments, run)


def _with_database(arguments: argparse.Namespace) -> int:
    if arguments.word != "replay":
        return _begin(arguments)
    return _audit() if arguments.audit else _replay(arguments.hours, arguments.differences)


def _move(arguments: argparse.Namespace, run: Gcloud) -> int:
    traffic = Traffic(run, arguments.region, services_of(FUNCTIONS))
    match arguments.word:
        case "deploy":
            traffic.deploy(_image())
        case "canary":
            measure = partial(measured, monitoring(run, arguments.project))
            plan = canary.Plan(percent=arguments.percent, minutes=arguments.minutes)
            return _judged(canary.try_out(traffic, measure, time.sleep, plan, Limits()))
        case "serving":
            SERVING_FILE.write_text(json.dumps(serving.commits(traffic, run, arguments.region)))
        case "tested":
            untried = serving.untried(serving.commits(traffic, run, arguments.region))
            return _told([f"{commit} serves and was not tried; build again" for commit in untried])
        case "promote":
            traffic.promote()
        case "roll-back":
            traffic.roll_back()
        case "jobs":
            traffic.give_jobs(_image(), JOBS)
        case "job":
            words = [f"--args={arguments.args}"] if arguments.args else []
            traffic.run_job(arguments.name, *words)
    return 0


def _image() -> str:
    image: str = json.loads(IMAGE_FILE.read_text())["image"]
    return image


def _digest(tag: str, run: Gcloud) -> int:
    image = run(
        *("artifacts", "docker", "images", "describe", tag),
        "--format=value(image_summary.fully_qualified_digest)",
    )
    IMAGE_FILE.write_text(json.dumps({"image": image.strip()}) + "\n")
    return 0


def _scan(image: str, run: Gcloud) -> int:
    images = ("artifacts", "docker", "images")
    scan = run(*images, "scan", image, "--remote", "--format=value(response.scan)").strip()
    listed = run(*images, "list-vulnerabilities", scan, "--format=json")
    return _told([str(found) for found in vulnerabilities.blocking(listed)])


def _replay(hours: int, differences: int) -> int:
    from infra.release.replay import replay  # noqa: PLC0415  the image has what it needs
    from shared.wiring import services  # noqa: PLC0415

    return _judged(replay(services().database, hours, Limits(differences=differences)))


def _audit() -> int:
    from infra.release.replay import broken  # noqa: PLC0415  the image has what it needs
    from shared.wiring import services  # noqa: PLC0415

    return _told(broken(services().database))


def _begin(arguments: argparse.Namespace) -> int:
    from infra.release import begin  # noqa: PLC0415  the image has what it needs
    from shared.wiring import services  # noqa: PLC0415

    database = services().database
    try:
        if arguments.word == "catalogue":
            begin.load(database, arguments.file)
            return 0
        keep = None if arguments.behind_proxy else _shelf().keep
        where = begin.let_in(database, arguments.email, arguments.name, keep)
    except begin.REFUSALS as refused:
        return _told([str(refused)])
    if where is not None:
        sys.stdout.write(f"{where} holds their password until they choose their own\n")
    return 0


def _shelf() -> first_password.Shelf:
    secret = os.environ.get(first_password.SETTING)
    if not secret:
        raise first_password.NotKept(
            f"{first_password.SETTING} names no secret to keep a password in: where people come"
            " through the identity-aware proxy, say --behind-proxy"
        )
    return first_password.Shelf(secret, metadata.access_token())


def _judged(judgement: Judgement) -> int:
    for reason in judgement.reasons:
        sys.stdout.write(f"{judgement.verdict}: {reason}\n")
    return 0 if judgement.verdict is Verdict.PROMOTE else 1


def _told(wrong: Sequence[str]) -> int:
    for line in wrong:
        sys.stderr.write(f"{line}\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
