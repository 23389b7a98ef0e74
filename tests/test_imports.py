"""Imports run one way, and nothing rebinds the builtin `eval`."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
#: What each part may import of the project besides itself.
ALLOWED = {
    "core": set(),
    "sft": {"core"},
    "rag": {"core"},
    "eval": {"core"},
    "arms": {"core", "sft", "rag", "eval"},
    "contexts": {"core", "sft", "rag", "eval", "arms"},
    "loaded": {"core", "sft", "rag", "eval", "arms"},
    "own_corpora": {"core"},
    "curation": {"core", "rag", "arms", "loaded", "own_corpora"},
    "measured_forgetting": {"core", "sft", "eval", "arms", "curation"},
    "adapter_care": {"core", "sft", "measured_forgetting"},
    "fine_tuning": {"core", "sft", "rag", "contexts", "measured_forgetting", "adapter_care"},
    "arming": {"core", "sft", "rag", "arms", "fine_tuning"},
    "evaluating": {"core", "rag", "eval", "arms", "contexts", "arming"},
    "changing": {"core", "sft", "rag", "eval", "arms", "evaluating"},
    "costing": {"core", "sft", "rag", "eval", "arms", "changing"},
    "reporting": {"core", "eval", "costing"},
    "workbench": {"core", "sft", "rag", "eval", "arms", "loaded", "curation", "reporting"},
    "terminal": {"core", "workbench"},
    "corpus_commands": {"core", "workbench", "terminal"},
    "retrieval_commands": {"workbench", "terminal"},
    "report_commands": {"eval", "workbench", "terminal"},
    "training_commands": {"core", "sft", "workbench", "terminal"},
    "adapter_commands": {"core", "sft", "workbench", "terminal"},
    "change_commands": {"core", "sft", "eval", "changing", "workbench", "terminal"},
    "ui": {"core", "sft", "rag", "eval", "arms", "own_corpora", "workbench"},
    # The page is opened by a command, so this one import points up, inside the command.
    "cli": {
        "core",
        "sft",
        "rag",
        "eval",
        "arms",
        "workbench",
        "terminal",
        "corpus_commands",
        "retrieval_commands",
        "report_commands",
        "training_commands",
        "adapter_commands",
        "change_commands",
        "app",
    },
    "app": {"core", "ui", "workbench"},
}
FILES = sorted(
    path
    for part in ALLOWED
    for path in (
        [ROOT / f"{part}.py"] if (ROOT / f"{part}.py").is_file() else (ROOT / part).rglob("*.py")
    )
)


def _part(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def _imports(tree: ast.AST) -> list[str]:
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            found.append(node.module or "")
    return found


def test_every_part_is_looked_at() -> None:
    assert {_part(path) for path in FILES} == set(ALLOWED)
    modules = {path.stem for path in ROOT.glob("*.py")}
    assert modules <= set(ALLOWED), "a new module has its place in the order of imports"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_run_one_way(path: Path) -> None:
    part = _part(path)
    for name in _imports(ast.parse(path.read_text(encoding="utf-8"))):
        top = name.split(".")[0]
        if top in ALLOWED and top != part:
            assert top in ALLOWED[part], f"{part} must not import {name}"


def test_the_wings_do_not_know_each_other() -> None:
    # Spelt out, because the table above could be widened by mistake.
    for wing in ("sft", "rag", "eval"):
        assert ALLOWED[wing] == {"core"}
    assert ALLOWED["core"] == set()


def test_only_a_command_opens_the_page() -> None:
    tree = ast.parse((ROOT / "cli.py").read_text(encoding="utf-8"))
    assert "app" not in _imports(ast.Module(body=_outside_functions(tree), type_ignores=[]))


def _outside_functions(tree: ast.Module) -> list[ast.stmt]:
    return [node for node in tree.body if not isinstance(node, ast.FunctionDef)]


def _bound(tree: ast.AST) -> set[str]:
    """Every name that a file reads, binds or imports, except as an attribute."""
    names = set()
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name) | ast.arg(arg=name):
                names.add(name)
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                names.add(name)
            case ast.Import(names=aliases):
                names |= {alias.asname or alias.name.split(".")[0] for alias in aliases}
            case ast.ImportFrom(names=aliases):
                names |= {alias.asname or alias.name for alias in aliases}
    return names


EVERYTHING = [*FILES, *(ROOT / "tests").glob("*.py"), *(ROOT / "benchmarks").glob("*.py")]


@pytest.mark.parametrize("path", EVERYTHING, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_builtin_eval_is_neither_rebound_nor_called(path: Path) -> None:
    if path == Path(__file__):
        return  # the last test of this file looks at the builtin itself
    assert "eval" not in _bound(ast.parse(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    "text",
    ["import eval", "import eval.metrics", "import x as eval", "from x import eval", "eval = 1",
     "def eval(): ...", "def f(eval): ...", "lambda eval: 1", "for eval in x: ...", "eval('1')",
     "class eval: ...", "with x as eval: ..."],
)  # fmt: skip
def test_rebinding_is_seen(text: str) -> None:
    assert "eval" in _bound(ast.parse(text))
    assert "eval" not in _bound(ast.parse("from eval.x import y\nfrom eval import z\nm.eval()"))


#: Overridden as a library declares them; and the one function whose keywords are the settings.
OVERRIDES = {"update", "evaluation_loop", "load_settings"} | {
    "on_train_begin", "on_step_end", "on_log", "on_evaluate", "on_save", "forward",
}  # fmt: skip


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_stay_small_and_functions_take_few_parameters(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) < 300
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            named = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
            given = [one for one in named if one.arg not in ("self", "cls")]
            # A command's parameters are the options of the contract.
            commands = path.name == "cli.py" or path.name.endswith("_commands.py")
            assert commands or len(given) <= 7, f"{node.name} takes {len(given)} parameters"
            assert node.args.kwarg is None or node.name in OVERRIDES, f"{node.name} takes anything"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_only_the_settings_read_the_environment(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv"):
            uses = path.read_text(encoding="utf-8").splitlines()[node.lineno - 1]
            assert "os.environ.setdefault(" in uses, f"line {node.lineno} reads the environment"


def test_eval_is_still_the_builtin() -> None:
    from eval.scores import METRICS

    assert METRICS
    assert eval.__module__ == "builtins"  # the package must not have taken its place
