"""Neither recipes nor the files written from them can contain a key."""

import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice

import pyarrow.parquet as pq
import pytest
import yaml
from pydantic import BaseModel

from pad_ray.errors import InputError
from pad_ray.recipe import Recipe, load_recipe
from pad_ray.run.folder import RunDir
from pad_ray.run.progress import Progress
from pad_ray.schema import Draft
from pad_ray.stages import command_line
from pad_ray.stages.base import Run
from pad_ray.tasks import arithmetic
from tests.conftest import TRAIN_QUESTIONS
from tests.jobs.conftest import run_job

KEY = "sk-proj-9f8e7d6c5b4a"
STORE_KEY = "wJalrXUtnFEMI/K7MDENG"
SERVER = "http://127.0.0.1:8000/v1"


@pytest.fixture
def recipe(tmp_path):
    path = tmp_path / "recipe.yaml"
    path.write_text("seed: 3\n")
    return path


def fields(model, prefix=""):
    """Names of all fields of a config and of its sections."""
    for name, field in model.model_fields.items():
        yield f"{prefix}{name}"
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from fields(field.annotation, f"{prefix}{name}.")


def test_no_field_of_a_recipe_takes_a_secret():
    named = [name for name in fields(Recipe) if re.search("key|token$|secret|password|credential", name)]
    assert named == ["teacher.api_key_env", "evaluation.engine.api_key_env"]


@pytest.mark.parametrize(
    "options",
    [
        ["--teacher.api-key-env", KEY],
        ["--teacher.api-key", KEY],
        [f"--teacher.api-key={KEY}"],
        ["--teacher.kind", "openai", "--teacher.base-url", f"https://user:{KEY}@h/v1"],
        ["--teacher.kind", "openai", "--teacher.base-url", f"https://h/v1?api_key={KEY}"],
    ],
)
def test_a_key_in_a_recipe_is_rejected(recipe, options):
    with pytest.raises(InputError) as refused:
        load_recipe(recipe, options)
    assert KEY not in str(refused.value)


@pytest.mark.parametrize(
    "location",
    [
        f"s3://user:{KEY}@bucket/run",
        f"s3://bucket/run?secret_key={KEY}",
        f"gs://bucket/run?access_token={KEY}",
        f"abfs://container:{KEY}@account/run",
        f"hdfs://user:{KEY}@host/run",
        f"https://account/run?sig={KEY}",
    ],
)
def test_a_key_in_the_location_of_a_run_is_rejected_and_not_repeated(location):
    with pytest.raises(InputError, match=r"credentials|secret_key") as refused:
        RunDir(location)
    assert KEY not in str(refused.value)


def test_the_recipe_and_environment_files_of_a_run_hold_no_key(local_ray, recipe, tmp_path, monkeypatch):
    monkeypatch.setenv("TEACHER_API_KEY", KEY)
    options = ["--teacher.kind", "openai", "--teacher.base-url", SERVER, "--teacher.api-key-env", "TEACHER_API_KEY"]
    loaded = load_recipe(recipe, [*options, "--run-dir", str(tmp_path / "run")])
    assert loaded.teacher.api_key() == KEY
    command_line.start(Run(loaded, RunDir(loaded.run_dir), Progress()))
    written = [path for path in (tmp_path / "run").rglob("*") if path.is_file()]
    assert {path.name for path in written} == {"recipe.yaml", "environment.json", ".lock"}
    assert not [path for path in written if KEY.encode() in path.read_bytes()]


@pytest.fixture
def teacher():
    """A server and the keys it received. It answers all train questions but the first, whose error repeats the key."""
    answered = islice(arithmetic.generate("train", 0), 1, TRAIN_QUESTIONS)
    programs = {problem.question.text: problem.reference_program for problem in answered}
    keys = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            keys.append(self.headers["Authorization"])
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            program = programs.get(asked["prompt"].rsplit("Question: ", 1)[-1].partition("\n")[0])
            # The request for one token, before the first block.
            program = "1" if asked["max_tokens"] == 1 else program
            choice = {"index": 0, "text": program, "finish_reason": "stop", "logprobs": None}
            usage = {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4}
            completion = {"id": "1", "object": "text_completion", "model": "m", "choices": [choice], "usage": usage}
            refusal = {"error": {"message": f"not with {keys[-1]}", "type": "t", "code": 400}}
            body = json.dumps(completion if program else refusal).encode()
            self.send_response(200 if program else 400)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments):
            """Keep the server's log out of the test's output."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/v1", keys
        server.shutdown()


def content(path):
    """The bytes of a file, and the rows of a table, because a table's file is compressed."""
    rows = str(pq.read_table(path).to_pylist()) if path.suffix == ".parquet" else ""
    return path.read_bytes() + rows.encode()


def test_no_file_of_a_run_and_no_line_of_its_job_holds_a_key(teacher, tmp_path, tiny_student):
    url, keys = teacher
    settings = {"kind": "openai", "base_url": url, "model": "m", "api_key_env": "TEACHER_API_KEY", "logprobs": False}
    recipe = {
        "run_dir": str(tmp_path / "run"),
        "questions": {"task": "arithmetic", "limit": TRAIN_QUESTIONS, "test_limit": 4},
        "teacher": {**settings, "actors": 1},
        "synthesis": {"samples": 1},
        "corpus": {"validation_share": 0.3},
        "training": {"student": str(tiny_student)},
    }
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    secrets = {"TEACHER_API_KEY": KEY, "AWS_ACCESS_KEY_ID": "AKIA-of-the-store", "AWS_SECRET_ACCESS_KEY": STORE_KEY}
    done = run_job("synthesize", tmp_path / "recipe.yaml", **secrets)
    assert done.returncode == 0, done.stdout + done.stderr
    assert set(keys) == {f"Bearer {KEY}"}
    faults = RunDir(recipe["run_dir"]).read_records("faults", Draft)
    assert [draft.text for draft in faults] == ["400: not with Bearer (key)"]
    written = [path for path in (tmp_path / "run").rglob("*") if path.is_file()]
    assert {path.suffix for path in written} >= {".json", ".yaml", ".parquet", ".md"}
    for secret in secrets.values():
        assert not [path for path in written if secret.encode() in content(path)]
        assert secret not in done.stdout + done.stderr
