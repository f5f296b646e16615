"""Validate a crate by roc-validator, without a network; prints the failed checks as JSON.

Run by the Python of the validator's own environment (`make env-validator`):
`validate_crate.py CRATE CONTEXT`. The vocabularies that a crate names by address are not fetched: `CONTEXT` is that of
RO-Crate 1.3, which the library rocrate carries; of its terms four that crates of workflows use have another address in
1.1. Those, and the eight terms of workflow runs, stand below.
"""

import json
import sys
from pathlib import Path

import requests
from rocrate_validator import services
from rocrate_validator.models import Severity, ValidationSettings
from rocrate_validator.utils.http import HttpRequester

PROFILE = "workflow-run-crate-0.5"
BIOSCHEMAS = {
    "ComputationalWorkflow": "ComputationalWorkflow",
    "FormalParameter": "FormalParameter",
    "input": "ComputationalWorkflow#input",
    "output": "ComputationalWorkflow#output",
}
RUNS = "https://w3id.org/ro/terms/workflow-run"
TERMS = ("ParameterConnection", "connection", "sourceParameter", "targetParameter", "md5", "sha1", "sha256", "sha512")


def failures(crate: Path, context: Path) -> list[dict]:
    """Checks of the profile, and of those that it extends, that a crate fails: severity, check, entity, message."""
    terms = json.loads(context.read_text(encoding="utf-8"))["@context"]
    terms |= {term: f"https://bioschemas.org/{name}" for term, name in BIOSCHEMAS.items()}
    documents = {
        "https://w3id.org/ro/crate/1.1/context": terms,
        f"{RUNS}/context": {term: f"{RUNS}#{term}" for term in TERMS},
    }

    def get(_, url: str, **options) -> requests.Response:
        response = requests.Response()
        response.url, response.status_code = url, 200 if url in documents else 404
        response.headers["Content-Type"] = "application/ld+json"
        response._content = json.dumps({"@context": documents.get(url, {})}).encode()
        return response

    HttpRequester.get = get
    settings = ValidationSettings(
        rocrate_uri=str(crate),
        profile_identifier=PROFILE,
        requirement_severity=Severity.RECOMMENDED,
        offline=True,
        skip_availability_check=True,
    )
    issues = services.validate(settings).get_issues()
    return [
        {
            "severity": issue.severity.name,
            "check": issue.check.identifier,
            "entity": str(issue.violatingEntity),
            "message": issue.message,
        }
        for issue in issues
    ]


if __name__ == "__main__":
    print(json.dumps(failures(Path(sys.argv[1]), Path(sys.argv[2])), indent=1))
