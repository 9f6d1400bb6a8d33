"""Ops: what productions mean. Declare your own with :func:`primitive` and :func:`combinator`."""

from __future__ import annotations

from einspec.ops.control import Child as Child
from einspec.ops.control import Value as Value
from einspec.ops.control import each as each
from einspec.ops.control import let as let
from einspec.ops.control import tie as tie
from einspec.ops.declare import Combinator as Combinator
from einspec.ops.declare import Laws as Laws
from einspec.ops.declare import Op as Op
from einspec.ops.declare import Primitive as Primitive
from einspec.ops.declare import combinator as combinator
from einspec.ops.declare import primitive as primitive
from einspec.ops.opset import collect_ops as collect_ops
from einspec.ops.opset import library_ops as library_ops
