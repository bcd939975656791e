"""`slicer.parameterNodeWrapper`: typed attributes kept in a real `vtkMRMLScriptedModuleNode`.

Values are written as Slicer writes them (numbers by `str`, "True"/"False", an enumeration by its
member's name, nodes as references), so a scene saved here opens there. Supported: str, int,
float, bool, Enum, MRML node types and unions of these, with the annotations Default, WithinRange,
Minimum, Maximum and Choice. Not supported, and refused: paths, packs, lists, dictionaries.
"""

from __future__ import annotations

import enum
import functools
import typing
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from types import NoneType
from typing import Any

import slicer
import vtk
from PySide6 import QtWidgets

from .connectors import createGuiConnector, node_types

SlicerParameterNamePropertyName = "SlicerParameterName"


class Default:
    """Annotation: the value that a new parameter node starts with."""

    def __init__(self, value: Any = None, *, generator: Callable[[], Any] | None = None) -> None:
        self._value, self._generator = value, generator

    @property
    def value(self) -> Any:
        return self._generator() if self._generator else self._value


class Validator(ABC):
    """Base of the annotations that refuse a value by raising ValueError."""

    @abstractmethod
    def validate(self, value: Any) -> None:
        """Raise ValueError when the value is refused."""


@dataclass(frozen=True)
class WithinRange(Validator):
    """Annotation: minimum <= value <= maximum."""

    minimum: float
    maximum: float

    def validate(self, value: Any) -> None:
        if not self.minimum <= value <= self.maximum:
            raise ValueError(f"{value} is not in [{self.minimum}, {self.maximum}]")


@dataclass(frozen=True)
class Minimum(Validator):
    """Annotation: value >= minimum."""

    minimum: float

    def validate(self, value: Any) -> None:
        if value < self.minimum:
            raise ValueError(f"{value} is below {self.minimum}")


@dataclass(frozen=True)
class Maximum(Validator):
    """Annotation: value <= maximum."""

    maximum: float

    def validate(self, value: Any) -> None:
        if value > self.maximum:
            raise ValueError(f"{value} is above {self.maximum}")


class Choice(Validator):
    """Annotation: value is one of the choices."""

    def __init__(self, choices: typing.Sequence[Any]) -> None:
        self.choices = choices

    def validate(self, value: Any) -> None:
        if value not in self.choices:
            raise ValueError(f"{value!r} is not one of {self.choices}")


class _Parameter:
    """One typed attribute: how it is checked, written to a parameter node and read back."""

    def __init__(self, name: str, declared: Any, given: Default | None) -> None:
        self.name, self.declared = name, declared
        arguments = typing.get_args(typing.Annotated[declared, None])
        self.kind, annotations = arguments[0], arguments[1:-1]
        self.kinds = node_types(self.kind)
        self.validators = [a for a in annotations if isinstance(a, Validator)]
        defaults = [a for a in annotations if isinstance(a, Default)]
        if not self._is(str, int, float, bool, enum.Enum, slicer.vtkMRMLNode):
            raise TypeError(f"the host cannot keep '{name}' of type {self.kind}")
        self.default = given or (defaults[0] if defaults else Default(self._natural_default()))

    def _is(self, *kinds: type) -> bool:
        if self.kinds:
            return slicer.vtkMRMLNode in kinds
        return isinstance(self.kind, type) and issubclass(self.kind, kinds)

    def _natural_default(self) -> Any:
        if self._is(enum.Enum):
            return next(iter(self.kind))
        return None if self._is(slicer.vtkMRMLNode) else self.kind()

    def check(self, value: Any) -> None:
        """Raise TypeError or ValueError, as Slicer does, for a value that may not be stored."""
        allowed = (int, float) if self.kind is float else self.kinds or self.kind
        missing = value is None and not self._is(slicer.vtkMRMLNode)
        if missing:
            raise ValueError(f"'{self.name}' must not be None")
        members = typing.get_args(self.kind)
        if value is None and members and NoneType not in members:
            # Slicer writes every default into the node, and no member of the union takes None.
            raise TypeError(f"Unable to write value 'None' of type '{NoneType}'")
        if value is not None and not isinstance(value, allowed):
            raise TypeError(f"'{self.name}' is {self.declared}, not {type(value).__name__}")
        for validator in self.validators:
            validator.validate(value)

    def write(self, node: Any, key: str, value: Any) -> None:
        self.check(value)
        if self._is(slicer.vtkMRMLNode):
            node.SetParameter(key, "")
            node.SetNodeReferenceID(key, value.GetID() if value is not None else None)
        elif self._is(enum.Enum):
            node.SetParameter(key, value.name)
        else:
            node.SetParameter(key, str(value))

    def read(self, node: Any, key: str) -> Any:
        if self._is(slicer.vtkMRMLNode):
            return node.GetNodeReference(key)
        text = node.GetParameter(key)
        if self._is(enum.Enum):
            return self.kind[text]
        return text == "True" if self.kind is bool else self.kind(text)


class _Wrapper:
    """What every wrapped class can do beside its own parameters."""

    allParameters: dict[str, _Parameter]

    def __init__(self, parameterNode: Any, prefix: str | None = None) -> None:
        self.parameterNode = parameterNode
        self._prefix = prefix or ""
        self._guis: dict[int, tuple[dict[str, Any], int]] = {}
        self._next_tag = 0
        self._updating = False
        for name, parameter in self.allParameters.items():
            if not parameterNode.HasParameter(self._prefix + name):
                parameter.write(parameterNode, self._prefix + name, parameter.default.value)

    def _parameter(self, name: str) -> _Parameter:
        if name not in self.allParameters:
            raise ValueError(f"no parameter '{name}' among {sorted(self.allParameters)}")
        return self.allParameters[name]

    def getValue(self, name: str) -> Any:
        parameter, key = self._parameter(name), self._prefix + name
        if not self.parameterNode.HasParameter(key):  # as after the scene was closed
            parameter.write(self.parameterNode, key, parameter.default.value)
        return parameter.read(self.parameterNode, key)

    def setValue(self, name: str, value: Any) -> None:
        with slicer.util.NodeModify(self.parameterNode):
            self._parameter(name).write(self.parameterNode, self._prefix + name, value)

    def default(self, name: str) -> Default:
        return self._parameter(name).default

    @classmethod
    def dataType(cls, name: str) -> Any:
        return cls.allParameters[name].declared

    def connectGui(self, gui: Any) -> int:
        """Bind every widget that carries `SlicerParameterName`; returns a tag to disconnect by."""
        is_widget = isinstance(gui, QtWidgets.QWidget)
        widgets = gui.findChildren(QtWidgets.QWidget) if is_widget else vars(gui).values()
        named = {w.property(SlicerParameterNamePropertyName): w for w in widgets}
        named.pop(None, None)
        return self.connectParametersToGui(named)

    def connectParametersToGui(self, mapping: dict[str, Any]) -> int:
        for name in mapping:
            self._parameter(name)
        connectors = {n: createGuiConnector(w, self.dataType(n)) for n, w in mapping.items()}
        for name, connector in connectors.items():
            connector.write(self.getValue(name))
            connector.start(functools.partial(self._from_gui, name, connector))
        observer = self.AddObserver(vtk.vtkCommand.ModifiedEvent, lambda *_: self._to_gui())
        tag, self._next_tag = self._next_tag, self._next_tag + 1
        self._guis[tag] = (connectors, observer)
        return tag

    def disconnectGui(self, tag: int) -> None:
        connectors, observer = self._guis.pop(tag, ({}, None))
        for connector in connectors.values():
            connector.stop()
        if observer is not None:
            self.RemoveObserver(observer)

    def _from_gui(self, name: str, connector: Any) -> None:
        if not self._updating:
            self.setValue(name, connector.read())

    def _to_gui(self) -> None:
        if self._updating:
            return
        self._updating = True
        try:
            for connectors, _observer in list(self._guis.values()):
                for name, connector in connectors.items():
                    connector.write(self.getValue(name))
        finally:
            self._updating = False

    def StartModify(self) -> int:
        return self.parameterNode.StartModify()

    def EndModify(self, wasModifying: int) -> int:
        return self.parameterNode.EndModify(wasModifying)

    def AddObserver(self, event: Any, callback: Callable[..., None], priority: float = 0.0) -> int:
        return self.parameterNode.AddObserver(event, callback, priority)

    def RemoveObserver(self, tag: int) -> None:
        self.parameterNode.RemoveObserver(tag)

    def Modified(self) -> None:
        self.parameterNode.Modified()


def parameterNodeWrapper(cls: type | None = None) -> Any:
    """Class decorator: annotated attributes become properties kept in a parameter node."""
    if cls is None:
        return parameterNodeWrapper
    parameters = {}
    for name, declared in typing.get_type_hints(cls, include_extras=True).items():
        if hasattr(_Wrapper, name):
            raise ValueError(f"'{name}' is a reserved name in a parameterNodeWrapper")
        given = Default(vars(cls)[name]) if name in vars(cls) else None
        parameters[name] = _Parameter(name, declared, given)
    body: dict[str, Any] = {name: _attribute(name) for name in parameters}
    body.update(allParameters=parameters, __module__=cls.__module__, __doc__=cls.__doc__)
    return type(cls.__name__, (cls, _Wrapper), body)


def _attribute(name: str) -> property:
    return property(
        lambda self: self.getValue(name), lambda self, value: self.setValue(name, value)
    )


def isParameterNodeWrapper(candidate: Any) -> bool:
    kind = candidate if isinstance(candidate, type) else type(candidate)
    return issubclass(kind, _Wrapper)
