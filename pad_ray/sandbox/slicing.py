"""The backward slice of a program's result: its inputs, the decisions behind it, and the operations on it.

Follows data from the returned values to the definitions that reach them, and to the branches and loops that can change
them. An expression that leaves a value unchanged (`x * 1`, `x + 0`, a conversion) is not an operation; an expression with a
constant value (`x * 0`, `x - x`) does not depend on its operands; and an element looked up in a list or dictionary display
depends on that element only. Linear in the size of the tree, without recursion.
"""

import ast
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from itertools import islice

from pad_ray.sandbox.definitions import (
    ANYWHERE,
    FUNCTIONS,
    LOOPS,
    Definition,
    DefinitionGroup,
    Definitions,
    Guard,
    constant_truth,
)
from pad_ray.sandbox.operations import (
    ABSORBING,
    CANCELLING,
    CHOOSERS,
    COMPARISONS,
    CONVERSIONS,
    LISTINGS,
    NEUTRAL,
    SHOWN_METHODS,
    called,
    element,
    is_empty,
    is_filler,
    is_fixed,
    is_not,
    kept,
    last_counted,
    same,
)

MAX_LITERAL_NODES = 200
"""A test with more nodes is not searched for names."""
Operation = str
ARITHMETIC, CALL, LOOP, INDEX, COMPARE = "arithmetic", "call", "loop", "index", "compare"


@dataclass
class Slice:
    """The dependencies of a result. `constants` come from tests and values; `keys` are keys of dictionaries.

    `chosen` are the constants between which a branch decides, `tested` the names read by a comparison or a branch.
    `updates` counts definitions that use the previous value, `negations` those of the form `x = not x`.
    """

    constants: list[object] = field(default_factory=list)
    keys: list[object] = field(default_factory=list)
    operations: set[Operation] = field(default_factory=set)
    chosen: list[object] = field(default_factory=list)
    tested: set[str] = field(default_factory=set)
    updates: int = 0
    negations: int = 0


def backward_slice(tree: ast.Module, stated: Collection[float], of_number: bool) -> Slice:
    """The slice of the result of `solution`. `stated` are the question's numbers: an operand among them is never neutral.

    With `of_number` the result is a number: then a test without names does not count as a decision, nor does a choice
    between one value and a filler.
    """
    return _Slicer(Definitions(tree), stated, of_number).run()


class _Slicer:
    def __init__(self, definitions: Definitions, stated: Collection[float], of_number: bool) -> None:
        self.definitions = definitions
        self.stated = stated
        self.of_number = of_number
        self.result = Slice()
        self._todo: list[tuple[ast.AST, bool]] = []
        self._seen: dict[int, bool] = {}
        self._guards: set[int] = set()
        self._passed: set[tuple[int, bool, bool]] = set()
        self._keyed: dict[int, _DictContents | None] = {}
        self._choices: dict[int, bool] = {}
        self._literal: dict[int, bool] = {}

    def run(self) -> Slice:
        solution = self.definitions.module.names.get("solution", DefinitionGroup())
        for definition in solution.take_all():
            self._need(definition, solution)
        while self._todo:
            node, tested = self._todo.pop()
            if self._seen.get(id(node)) in (True, tested):
                continue
            self._seen[id(node)] = tested
            self._visit(node, tested)
        return self.result

    def _push(self, nodes: Sequence[ast.AST | None], tested: bool) -> None:
        self._todo += [(node, tested) for node in nodes if node is not None]

    def _visit(self, node: ast.AST, tested: bool) -> None:
        if isinstance(node, ast.Constant):
            self.result.constants.append(node.value)
        elif isinstance(node, ast.Name):
            self._visit_name(node, tested)
        elif isinstance(node, FUNCTIONS):
            results = self.definitions.scopes[id(node)].results
            for result in results.take_all():
                self._need(result, results)
        elif isinstance(node, (ast.BinOp, ast.AugAssign)):
            self._visit_operation(node, tested)
        elif isinstance(node, ast.Call):
            self._visit_call(node, tested)
        elif isinstance(node, ast.Subscript):
            self._visit_subscript(node, tested)
        elif isinstance(node, ast.IfExp):
            self._visit_choice(node, tested)
        elif isinstance(node, (ast.Compare, ast.BoolOp)) or is_not(node):
            self.result.operations.add(COMPARE)
            self._push(list(ast.iter_child_nodes(node)), True)
        elif isinstance(node, ast.Dict):
            self.result.keys += [key.value for key in node.keys if isinstance(key, ast.Constant)]
            self._push([*(key for key in node.keys if not isinstance(key, ast.Constant)), *node.values], tested)
        else:
            if isinstance(node, (ast.comprehension, ast.Yield, ast.YieldFrom)):
                self.result.operations.add(LOOP)
            if isinstance(node, ast.Attribute) and tested:
                self.result.tested.add(node.attr)
            self._push(list(ast.iter_child_nodes(node)), tested)

    def _visit_name(self, node: ast.Name, tested: bool) -> None:
        home = self.definitions.homes.get(id(node))
        scope = self.definitions.scope_of(home[0], node.id) if home else None
        if home is None or scope is None:
            return
        if tested:
            self.result.tested.add(node.id)
        group = scope.names[node.id]
        here = home[0] is scope and home[1] != ANYWHERE
        for definition in group.take_reaching(home[1], home[2]) if here else group.take_all():
            self._need(definition, group)

    def _need(self, definition: Definition, group: DefinitionGroup) -> None:
        if definition.seen:
            return
        definition.seen = True
        self._count_update(definition, group)
        if not self._is_dead(definition.guard):
            self._push(definition.values, False)
        if definition.guard is not None:
            self._need_guards(definition, group)

    def _count_update(self, definition: Definition, group: DefinitionGroup) -> None:
        value = definition.values[0] if definition.values else None
        names = self.definitions.homes
        if definition.updates:
            self.result.updates += 1
        elif value is not None and is_not(value):
            operand = value.operand if isinstance(value, ast.UnaryOp) else None
            home = names.get(id(operand)) if isinstance(operand, ast.Name) else None
            scope = self.definitions.scope_of(home[0], operand.id) if home and isinstance(operand, ast.Name) else None
            if scope and isinstance(operand, ast.Name) and scope.names[operand.id] is group:
                self.result.negations += 1

    def _need_guards(self, definition: Definition, group: DefinitionGroup) -> None:
        """Follow the branches and loops around a definition that can change its value."""
        fixed = all(self._constant(value) is not None for value in definition.values) and not definition.updates
        real = self._is_choice(group)
        if real and fixed:
            self._note_choice(group)
        guard = definition.guard
        # If a branch was already visited in this way, so were its enclosing branches.
        while guard is not None and (id(guard), real, fixed) not in self._passed:
            self._passed.add((id(guard), real, fixed))
            if real or (not fixed and (guard.in_loop or isinstance(guard.node, LOOPS))):
                self._need_guard(guard)
            guard = guard.outer

    def _is_dead(self, guard: Guard | None) -> bool:
        """Whether a test of two known numbers excludes the branch of a definition."""
        if not self.of_number or guard is None or guard.in_loop or not isinstance(guard.node, ast.If):
            return False
        truth = self._truth(guard.node.test)
        return truth is not None and truth == guard.negative

    def _truth(self, test: ast.expr) -> bool | None:
        if not isinstance(test, ast.Compare) or len(test.ops) != 1 or type(test.ops[0]) not in COMPARISONS:
            return None
        sides = [self._constant(side) for side in (test.left, test.comparators[0])]
        left, right = (side[0] if side else None for side in sides)
        if not isinstance(left, (int, float)) or not isinstance(right, (int, float)):
            return None
        return COMPARISONS[type(test.ops[0])](left, right)

    def _note_choice(self, group: DefinitionGroup) -> None:
        """Record the constants between which a branch decides."""
        if id(group) not in self._guards:
            self._guards.add(id(group))
            values = (self._constant(value) for one in group.all for value in one.values)
            self.result.chosen += [value[0] for value in values if value is not None]

    def _need_guard(self, guard: Guard) -> None:
        if id(guard) in self._guards:
            return
        self._guards.add(id(guard))
        if isinstance(guard.node, LOOPS):
            self.result.operations.add(LOOP)
            for leaving in guard.exits:
                around: Guard | None = leaving
                while around is not None and around is not guard and id(around) not in self._guards:
                    self._need_guard(around) if not isinstance(around.node, LOOPS) else None
                    around = around.outer
        if isinstance(guard.node, ast.If):
            self.result.operations.add(COMPARE)
        if not (self.of_number and isinstance(guard.node, ast.If) and self._is_literal(guard.node.test)):
            self._push(guard.tests, not isinstance(guard.node, (ast.For, ast.AsyncFor)) or not self.of_number)

    def _is_choice(self, group: DefinitionGroup) -> bool:
        """Whether the definitions of a name, or the results of a function, have more than one value."""
        if id(group) not in self._choices:
            self._choices[id(group)] = self._differ([value for one in group.all for value in one.values[:1]])
        return self._choices[id(group)]

    def _differ(self, values: Sequence[ast.AST]) -> bool:
        kinds: set[object] = set()
        for value in values:
            constant = self._constant(value)
            if constant is None:
                kinds.add(id(value))
            elif not (self.of_number and is_filler(constant[0])):
                kinds.add((type(constant[0]), repr(constant[0])[:200]))
        return len(kinds) > 1

    def _constant(self, node: ast.AST) -> tuple[object] | None:
        """The value of a constant, also if it has a sign or a conversion, or is the only value of a name."""
        for _ in range(8):
            if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.UAdd)):
                inner = node.operand
                if isinstance(inner, ast.Constant) and isinstance(inner.value, (int, float)):
                    return (-inner.value if isinstance(node.op, ast.USub) else inner.value,)
                return None
            if isinstance(node, ast.Call) and len(node.args) == 1 and called(node) in CONVERSIONS:
                node = node.args[0]
            elif isinstance(node, ast.Name) and (single := self._single(node)) is not None:
                node = single
            else:
                break
        return (node.value,) if isinstance(node, ast.Constant) else None

    def _single(self, node: ast.Name) -> ast.AST | None:
        """The value of a name with a single definition."""
        home = self.definitions.homes.get(id(node))
        scope = self.definitions.scope_of(home[0], node.id) if home else None
        group = scope.names[node.id].all if scope else []
        if len(group) != 1 or group[0].updates or group[0].key is not None or len(group[0].values) != 1:
            return None
        guard = group[0].guard
        return None if guard is not None and isinstance(guard.node, (ast.For, ast.AsyncFor)) else group[0].values[0]

    def _is_literal(self, test: ast.AST) -> bool:
        """Whether an expression contains no name and no call, and is thus constant."""
        if id(test) not in self._literal:
            nodes = list(islice(ast.walk(test), MAX_LITERAL_NODES + 1))
            named = any(isinstance(part, (ast.Name, ast.Call)) for part in nodes)
            self._literal[id(test)] = not named and len(nodes) <= MAX_LITERAL_NODES
        return self._literal[id(test)]

    def _visit_operation(self, node: ast.BinOp | ast.AugAssign, tested: bool) -> None:
        left, right = (node.left, node.right) if isinstance(node, ast.BinOp) else (node.target, node.value)
        kind = type(node.op)
        neutral, absorbing = NEUTRAL.get(kind, ((), ())), ABSORBING.get(kind, ((), ()))
        if self._is_one_of(left, absorbing[0]) or self._is_one_of(right, absorbing[1]):
            return
        if kind in CANCELLING and same(left, right):
            return
        left_over = kept(kind, left, right)
        if left_over is not None:
            self._push([left_over], tested)
            return
        if self._is_one_of(left, neutral[0]) or is_empty(left):
            self._push([right], tested)
        elif self._is_one_of(right, neutral[1]) or is_empty(right):
            self._push([left], tested)
        else:
            self.result.operations.add(ARITHMETIC)
            self._push([left, right], tested)

    def _is_one_of(self, node: ast.AST, values: tuple[float, ...]) -> bool:
        value = node.value if isinstance(node, ast.Constant) else None
        # True is an int, but not a numeric operand.
        is_literal = isinstance(value, (int, float)) and not isinstance(value, bool)
        return is_literal and value in values and value not in self.stated

    def _visit_call(self, node: ast.Call, tested: bool) -> None:
        name = called(node)
        own = isinstance(node.func, ast.Name) and self._is_own(node.func)
        only_displays = name in (SHOWN_METHODS if isinstance(node.func, ast.Attribute) else CONVERSIONS)
        if not own and not only_displays:
            self.result.operations.add(CALL)
        self.result.constants += last_counted(node)
        chooses = not own and name in CHOOSERS
        function = [node.func] if own or isinstance(node.func, ast.Attribute) else []
        self._push([*function, *node.args, *node.keywords], tested or chooses)

    def _is_own(self, function: ast.Name) -> bool:
        home = self.definitions.homes.get(id(function))
        return home is not None and self.definitions.scope_of(home[0], function.id) is not None

    def _visit_subscript(self, node: ast.Subscript, tested: bool) -> None:
        key = node.slice.value if isinstance(node.slice, ast.Constant) else None
        display = self._display(node.value)
        chosen_element = element(display, node.slice)
        if chosen_element is not None:
            self._push([chosen_element], tested)
        elif key is not None and isinstance(display, ast.Dict) and display is node.value:
            pairs = zip(display.keys, display.values, strict=True)
            self._push([value for one, value in pairs if isinstance(one, ast.Constant) and one.value == key], tested)
        elif key is not None and isinstance(node.value, ast.Name) and self._visit_keyed(node.value, key, tested):
            return
        else:
            fixed = is_fixed(node.slice)
            if not fixed or not self._is_listing(node.value):
                self.result.operations.add(INDEX if fixed else CALL)
            self._push([node.value, node.slice], tested)

    def _is_listing(self, node: ast.AST) -> bool:
        """Whether an expression lists a list or dictionary display: `list(options)`, `options.values()`."""
        while isinstance(node, ast.Call) and called(node) in LISTINGS:
            inner = node.func.value if isinstance(node.func, ast.Attribute) else next(iter(node.args), None)
            if inner is None:
                return False
            node = inner
        return isinstance(self._display(node), (ast.Dict, ast.List, ast.Tuple, ast.Set))

    def _display(self, node: ast.AST) -> ast.AST | None:
        return self._single(node) if isinstance(node, ast.Name) else node

    def _visit_keyed(self, name: ast.Name, key: object, tested: bool) -> bool:
        """Follow `name[key]` to the definitions that may set this key; False if the name may be something else."""
        home = self.definitions.homes.get(id(name))
        scope = self.definitions.scope_of(home[0], name.id) if home else None
        if scope is None:
            return False
        group = scope.names[name.id]
        if id(group) not in self._keyed:
            self._keyed[id(group)] = _DictContents.of(group)
        keyed = self._keyed[id(group)]
        if keyed is None:
            return False
        if tested:
            self.result.tested.add(name.id)
        for one in keyed.definitions.pop(key, ()):
            self._need(one, group)
        self._push(keyed.elements.get(key, []), tested)
        return True

    def _visit_choice(self, node: ast.IfExp, tested: bool) -> None:
        truth = constant_truth(node.test)
        if truth is not None:
            self._push([node.body if truth else node.orelse], tested)
            return
        sides = [node.body, node.orelse]
        constants = [self._constant(side) for side in sides]
        if self._differ(sides) and not (self.of_number and self._is_literal(node.test)):
            self.result.operations.add(COMPARE)
            self.result.chosen += [value[0] for value in constants if value is not None]
            self._push([node.test], True)
        self._push(sides, tested)


@dataclass
class _DictContents:
    """The contents of a name bound to a dictionary display: definitions by the key they set, and elements by key."""

    definitions: dict[object, list[Definition]]
    elements: dict[object, list[ast.AST]]

    @classmethod
    def of(cls, group: DefinitionGroup) -> "_DictContents | None":
        """None for a name that may be something other than a dictionary."""
        keyed = cls({}, {})
        for one in group.all:
            display = one.values[0] if one.key is None and len(one.values) == 1 else None
            if one.key is not None:
                keyed.definitions.setdefault(one.key, []).append(one)
            elif isinstance(display, ast.Dict) and not one.updates:
                keyed._add(display)
            else:
                return None
        return keyed if keyed.elements else None

    def _add(self, display: ast.Dict) -> None:
        for key, value in zip(display.keys, display.values, strict=True):
            if isinstance(key, ast.Constant):
                self.elements.setdefault(key.value, []).append(value)
