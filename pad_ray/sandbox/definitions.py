"""Finds the definitions of each name in a program: its scopes, and the branches and loops around each definition.

One pass over the tree, without recursion. Code that can never run is ignored: statements after a `return` in the same
block, and branches excluded by a constant test such as `if False`.
"""

import ast
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
LOOPS = (ast.For, ast.AsyncFor, ast.While)
ENDS = (ast.Return, ast.Raise, ast.Break, ast.Continue)
QUIET = frozenset({"print"})
"""Functions that never change their arguments."""
ANYWHERE = -1
"""The place of a definition that may take effect before any statement."""


@dataclass(eq=False)
class Guard:
    """A branch or a loop, its enclosing guard, and for a loop the guards of its `break` and `continue` statements.

    `negative` is true for the statements after `else`.
    """

    node: ast.stmt
    outer: "Guard | None"
    in_loop: bool
    negative: bool = False
    exits: list["Guard"] = field(default_factory=list)

    @property
    def tests(self) -> list[ast.AST]:
        """The expressions that decide whether, or how often, the body runs."""
        if isinstance(self.node, (ast.For, ast.AsyncFor)):
            return [self.node.iter]
        if isinstance(self.node, ast.Match):
            return [self.node.subject, *(case.pattern for case in self.node.cases), *filter(None, _guards(self.node))]
        return [self.node.test] if isinstance(self.node, (ast.If, ast.While)) else []


@dataclass(eq=False)
class Definition:
    """One definition of a name or of a function's result.

    `place` is the number of the statement in the scope's own body; `kills` is true for an assignment there that replaces
    every earlier value. `updates` is true if the new value depends on the old one. `key` is the constant in `name[key] = …`.
    """

    values: tuple[ast.AST, ...]
    guard: Guard | None
    place: int
    kills: bool = False
    simple: bool = False
    updates: bool = False
    key: object = None
    seen: bool = False


class DefinitionGroup:
    """All definitions of one name in one scope, in program order. Each is returned only once."""

    def __init__(self) -> None:
        self.all: list[Definition] = []
        self._anywhere: list[Definition] = []
        self._placed: list[Definition] = []
        self._kills: list[int] = []
        self._following: list[int] = [0]

    def add(self, definition: Definition) -> None:
        """Add a definition; those with a place must be added in order of place."""
        self.all.append(definition)
        if definition.place == ANYWHERE:
            self._anywhere.append(definition)
            return
        if definition.kills:
            self._kills.append(len(self._placed))
        self._placed.append(definition)
        self._following.append(len(self._placed))

    def take_all(self) -> list[Definition]:
        """All definitions that were not taken yet."""
        return self._take(0, len(self._placed))

    def take_reaching(self, place: int, in_simple: bool) -> list[Definition]:
        """Definitions not yet taken that may reach a place of their scope. A simple statement reads earlier values."""
        last = bisect_right(self._placed, place, key=lambda one: one.place)
        while in_simple and last and self._placed[last - 1].place == place and self._placed[last - 1].simple:
            last -= 1
        kill = bisect_left(self._kills, last) - 1
        return self._take(self._kills[kill] if kill >= 0 else 0, last)

    def _take(self, first: int, last: int) -> list[Definition]:
        taken, self._anywhere = self._anywhere, []
        position = self._root(first)
        while position < last:
            taken.append(self._placed[position])
            self._following[position] = position + 1
            position = self._root(position)
        return taken

    def _root(self, position: int) -> int:
        """The first position from here on that was not taken (union-find with path compression)."""
        root = position
        while self._following[root] != root:
            root = self._following[root]
        while self._following[position] != root:
            self._following[position], position = root, self._following[position]
        return root


@dataclass(eq=False)
class Scope:
    """A module, class or function: its names, its `global` and `nonlocal` names, and its results."""

    node: ast.AST
    parent: "Scope | None"
    names: dict[str, DefinitionGroup] = field(default_factory=dict)
    elsewhere: dict[str, "Scope"] = field(default_factory=dict)
    results: DefinitionGroup = field(default_factory=DefinitionGroup)


@dataclass(frozen=True)
class _Binding:
    """How a name gets a value: `kills` earlier values, is a `simple` assignment, `updates` a part of it, under a `key`."""

    kills: bool = False
    simple: bool = False
    updates: bool = False
    key: object = None


PLAIN = _Binding()


@dataclass(frozen=True)
class _Context:
    scope: Scope
    guard: Guard | None
    loop: Guard | None
    place: int
    top: bool


class Definitions:
    """All definitions of a program. `homes` has scope and place of each name read, `scopes` the scope of each function."""

    def __init__(self, tree: ast.Module) -> None:
        self.module = Scope(tree, None)
        self.homes: dict[int, tuple[Scope, int, bool]] = {}
        self.scopes: dict[int, Scope] = {}
        self._todo: list[tuple[ast.AST, _Context]] = []
        self._open_block(tree.body, _Context(self.module, None, None, ANYWHERE, top=True))
        while self._todo:
            node, context = self._todo.pop()
            self._enter(node, context)

    def scope_of(self, scope: Scope, name: str) -> Scope | None:
        """The scope that defines a name read in `scope`; None for a builtin."""
        here: Scope | None = scope
        while here is not None:
            if name in here.elsewhere:
                here = here.elsewhere[name]
            # Methods do not see the names of the class body.
            if name in here.names and (here is scope or not isinstance(here.node, ast.ClassDef)):
                return here
            here = here.parent
        return None

    def _open_block(self, block: Sequence[ast.stmt], context: _Context) -> None:
        lines = list(_live(block))
        numbered = [
            (line, _Context(context.scope, context.guard, context.loop, number, top=True) if context.top else context)
            for number, line in enumerate(lines)
        ]
        self._todo += reversed(numbered)

    def _enter(self, node: ast.AST, context: _Context) -> None:
        if isinstance(node, ast.Name):
            self.homes[id(node)] = (context.scope, context.place, context.top)
        elif isinstance(node, FUNCTIONS):
            self._enter_function(node, context)
        elif isinstance(node, ast.ClassDef):
            self._define(node.name, context, (node,))
            inner = Scope(node, context.scope)
            self.scopes[id(node)] = inner
            self._open_block(node.body, _Context(inner, None, None, ANYWHERE, top=True))
            self._enter_all([*node.bases, *node.keywords, *node.decorator_list], context)
        elif isinstance(node, (ast.If, *LOOPS, ast.Match)):
            self._enter_guarded(node, context)
        elif isinstance(node, ast.stmt):
            self._enter_statement(node, context)
        else:
            self._enter_expression(node, context)

    def _enter_all(self, nodes: Sequence[ast.AST], context: _Context) -> None:
        self._todo += [(node, context) for node in reversed(nodes)]

    def _enter_function(self, node: Function, context: _Context) -> None:
        inner = Scope(node, context.scope)
        self.scopes[id(node)] = inner
        for name, default in _parameters(node.args):
            values = () if default is None else (default,)
            inner.names.setdefault(name, DefinitionGroup()).add(Definition(values, None, ANYWHERE))
        defaults = [*node.args.defaults, *filter(None, node.args.kw_defaults)]
        inside = _Context(inner, None, None, ANYWHERE, top=True)
        if isinstance(node, ast.Lambda):
            inner.results.add(Definition((node.body,), None, ANYWHERE))
            self._enter_all([node.body], inside)
            self._enter_all(defaults, context)
        else:
            self._define(node.name, context, (node,))
            self._open_block(node.body, inside)
            self._enter_all([*defaults, *node.decorator_list], context)

    def _enter_guarded(self, node: ast.stmt, context: _Context) -> None:
        loops = isinstance(node, LOOPS)
        outer = context.guard
        in_loop = outer is not None and (outer.in_loop or isinstance(outer.node, LOOPS))
        guard = Guard(node, outer, in_loop)
        inside = _Context(context.scope, guard, guard if loops else context.loop, context.place, top=False)
        if isinstance(node, (ast.For, ast.AsyncFor)):
            self._bind(node.target, (node.iter,), inside)
        for block in _blocks(node):
            negative = isinstance(node, ast.If) and block is node.orelse
            around = replace(inside, guard=Guard(node, outer, in_loop, True)) if negative else inside
            self._open_block(block, around)
        self._enter_all([*guard.tests, *([node.target] if isinstance(node, (ast.For, ast.AsyncFor)) else [])], context)

    def _enter_statement(self, node: ast.stmt, context: _Context) -> None:
        if isinstance(node, ast.Return):
            values = () if node.value is None else (node.value,)
            context.scope.results.add(Definition(values, context.guard, context.place))
        elif isinstance(node, (ast.Break, ast.Continue)) and context.loop and context.guard:
            context.loop.exits.append(context.guard)
        elif isinstance(node, (ast.Global, ast.Nonlocal)):
            outer = self.module if isinstance(node, ast.Global) else context.scope.parent or self.module
            context.scope.elsewhere.update(dict.fromkeys(node.names, outer))
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                self._bind(target, (node.value,), context, simple=True)
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            self._bind(node.target, (node.value,), context, simple=True)
        elif isinstance(node, ast.AugAssign):
            self._bind(node.target, (node,), context, simple=True, updates=True)
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            self._change(node.value, context)
        inner = _Context(context.scope, context.guard, context.loop, context.place, context.top and _is_simple(node))
        blocks = list(_blocks(node))
        for block in blocks:
            self._open_block(block, _Context(context.scope, context.guard, context.loop, context.place, top=False))
        self._enter_all([child for child in ast.iter_child_nodes(node) if not _is_block_part(child)], inner)

    def _enter_expression(self, node: ast.AST, context: _Context) -> None:
        if isinstance(node, ast.NamedExpr):
            self._bind(node.target, (node.value,), context)
        elif isinstance(node, ast.comprehension):
            self._bind(node.target, (node.iter, *node.ifs), context)
        elif isinstance(node, ast.withitem) and node.optional_vars is not None:
            self._bind(node.optional_vars, (node.context_expr,), context)
        elif isinstance(node, (ast.Yield, ast.YieldFrom)) and node.value is not None:
            context.scope.results.add(Definition((node.value,), context.guard, context.place))
        self._enter_all(list(ast.iter_child_nodes(node)), context)

    def _change(self, call: ast.Call, context: _Context) -> None:
        """Record that a call statement may change its object and its arguments."""
        owner = _owner(call.func)
        if isinstance(call.func, ast.Name) and call.func.id in QUIET:
            return
        changed = [owner] if owner and isinstance(call.func, ast.Attribute) else []
        changed += [argument.id for argument in call.args if isinstance(argument, ast.Name)]
        for name in dict.fromkeys(changed):
            self._define(name, context, (call,), _Binding(updates=True, simple=True))

    def _bind(
        self,
        target: ast.AST,
        values: tuple[ast.AST, ...],
        context: _Context,
        simple: bool = False,
        updates: bool = False,
    ) -> None:
        pairs: list[tuple[ast.AST, tuple[ast.AST, ...]]] = [(target, values)]
        while pairs:
            part, part_values = pairs.pop()
            if isinstance(part, (ast.Tuple, ast.List)):
                pairs += _paired(part, part_values)
            elif isinstance(part, ast.Starred):
                pairs.append((part.value, part_values))
            elif isinstance(part, ast.Name):
                kills = simple and not updates and context.top
                self._define(part.id, context, part_values, _Binding(kills, simple, updates))
            elif isinstance(part, (ast.Subscript, ast.Attribute)):
                self._define_part(part, part_values, context, simple)

    def _define_part(
        self, part: ast.Subscript | ast.Attribute, values: tuple[ast.AST, ...], context: _Context, simple: bool
    ) -> None:
        owner = _owner(part)
        if owner is None:
            return
        key = None
        if isinstance(part, ast.Subscript):
            if isinstance(part.slice, ast.Constant) and isinstance(part.value, ast.Name):
                key = part.slice.value
            else:
                values = (*values, part.slice)
        self._define(owner, context, values, _Binding(simple=simple, key=key))

    def _define(
        self,
        name: str,
        context: _Context,
        values: tuple[ast.AST, ...],
        how: _Binding = PLAIN,
    ) -> None:
        scope = context.scope.elsewhere.get(name, context.scope)
        own = scope is context.scope
        definition = Definition(
            values, context.guard, context.place if own else ANYWHERE, how.kills and own,
            how.simple and own and context.top, how.updates, how.key,
        )  # fmt: skip
        scope.names.setdefault(name, DefinitionGroup()).add(definition)


def constant_truth(test: ast.expr) -> bool | None:
    """The truth value of a test that is only a constant; None for every other test."""
    negated = False
    while isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        negated, test = not negated, test.operand
    return bool(test.value) != negated if isinstance(test, ast.Constant) else None


def _live(block: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements of a block that may run; an `if` with a constant test is replaced by the chosen branch."""
    waiting = list(reversed(block))
    while waiting:
        line = waiting.pop()
        if isinstance(line, ast.If) and (truth := constant_truth(line.test)) is not None:
            waiting += reversed(line.body if truth else line.orelse)
        elif isinstance(line, ast.While) and constant_truth(line.test) is False:
            waiting += reversed(line.orelse)
        else:
            yield line
            if isinstance(line, ENDS):
                return


def _blocks(node: ast.stmt) -> Iterator[list[ast.stmt]]:
    if isinstance(node, ast.Match):
        yield from (case.body for case in node.cases)
    for name in ("body", "orelse", "finalbody"):
        block = getattr(node, name, None)
        if isinstance(block, list):
            yield block
    yield from (handler.body for handler in getattr(node, "handlers", ()))


def _is_block_part(node: ast.AST) -> bool:
    return isinstance(node, (ast.stmt, ast.ExceptHandler, ast.match_case))


def _is_simple(node: ast.stmt) -> bool:
    return not any(True for _ in _blocks(node))


def _guards(node: ast.Match) -> list[ast.expr | None]:
    return [case.guard for case in node.cases]


def _parameters(arguments: ast.arguments) -> Iterator[tuple[str, ast.expr | None]]:
    positional = [*arguments.posonlyargs, *arguments.args]
    missing: list[ast.expr | None] = [None] * (len(positional) - len(arguments.defaults))
    yield from zip((one.arg for one in positional), [*missing, *arguments.defaults], strict=True)
    yield from zip((one.arg for one in arguments.kwonlyargs), arguments.kw_defaults, strict=True)
    yield from ((one.arg, None) for one in (arguments.vararg, arguments.kwarg) if one is not None)


def _paired(target: ast.Tuple | ast.List, values: tuple[ast.AST, ...]) -> list[tuple[ast.AST, tuple[ast.AST, ...]]]:
    """Targets paired with their own values if both sides are displays, else each target paired with the whole value."""
    value = values[0] if len(values) == 1 else None
    if isinstance(value, (ast.Tuple, ast.List)) and len(value.elts) == len(target.elts):
        sides = (*target.elts, *value.elts)
        if not any(isinstance(side, ast.Starred) for side in sides):
            return [(part, (own,)) for part, own in zip(target.elts, value.elts, strict=True)]
    return [(part, values) for part in target.elts]


def _owner(node: ast.AST) -> str | None:
    """The name at the root of `name.part[key]…`."""
    while isinstance(node, (ast.Attribute, ast.Subscript)):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None
