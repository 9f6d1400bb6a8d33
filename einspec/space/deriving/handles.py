"""Handles of children that are drawn or followed elsewhere: tied ones, and what ``let`` has bound."""

from __future__ import annotations

from typing import Any

from einspec.ops.control import Child
from einspec.ops.declare import Inputs, Outputs
from einspec.space.members.environment import Environment
from einspec.types import Type


class TiedChild(Child):
    """A child with one set of weights. Where its calls differ in type or attributes, the graph decides."""

    __slots__ = ("child", "inputs", "values")

    def __init__(self, child: Any):
        self.child = child
        self.inputs: Inputs | None = None
        self.values: tuple[tuple[str, object], ...] = ()

    def __call__(self, *inputs: Type, **attributes: object) -> Outputs:
        environment = self.child.environment
        return self.enter(inputs, environment.extended(attributes) if attributes else environment)

    @property
    def environment(self) -> Environment:
        """The environment that the child was made in."""
        environment: Environment = self.child.environment
        return environment

    def enter(self, inputs: Inputs, environment: Environment) -> Outputs:
        """As the child's, noting whether the calls differ."""
        if self.inputs is not None and (self.inputs != inputs or self.values != environment.tags):
            self.child.run.varied_ties = True
        self.inputs, self.values = inputs, environment.tags
        outputs: Outputs = self.child.enter(inputs, environment)
        return outputs

    def tied(self) -> Child:
        return self

    def note_bound(self) -> None:
        self.child.note_bound()


class BoundChild(Child):
    """A derivation that ``let`` has bound, at the place that calls it."""

    __slots__ = ("child", "site")

    def __init__(self, child: Any, site: Environment):
        self.child = child
        self.site = site

    @property
    def environment(self) -> Environment:
        """The environment that the derivation was bound in."""
        environment: Environment = self.child.environment
        return environment

    def __call__(self, *inputs: Type, **attributes: object) -> Outputs:
        environment = self.environment.at(self.site)
        return self.enter(inputs, environment.extended(attributes) if attributes else environment)

    def enter(self, inputs: Inputs, environment: Environment) -> Outputs:
        """As the child's: what is bound under another name is the same derivation."""
        outputs: Outputs = self.child.enter(inputs, environment)
        return outputs

    def tied(self) -> Child:
        return BoundChild(self.child.tied(), self.site)
