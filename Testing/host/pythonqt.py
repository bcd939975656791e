"""The `qt` module: PySide6 reshaped to behave as PythonQt does inside Slicer.

What is reshaped: every declared property is an attribute (`button.enabled = True`, and calling
`slider.value()` fails), unknown attributes cannot be set on a widget, and
`connect("clicked(bool)", callback)` exists on every object; tooltips come back wrapped. PySide6
classes are changed in place, once for the process, because modules also meet objects they did not
create themselves.
"""

from __future__ import annotations

import html
import inspect
import types
from collections.abc import Callable
from typing import Any

from PySide6 import QtCore, QtGui, QtWidgets

_HIDDEN = {"Signal", "Slot", "Property", "QtMsgType"}  # Signal in a Python class crashes PythonQt
_RELAYS = "_host_relays"


class StandIn:
    """Mark a Python class that plays a C++ one, so that it is held to the same strictness."""

    #: C++ signature -> name of the Python signal, for types that only C++ knows.
    cpp_signals: dict[str, str] = {}


class UiLoading:
    """While active, PySide6's habit of setting children as attributes of the root is ignored."""

    active = False

    def __enter__(self) -> None:
        UiLoading.active = True

    def __exit__(self, *_error: object) -> None:
        UiLoading.active = False


class DesktopServices:
    """`qt.QDesktopServices` that notes the addresses asked for and opens nothing."""

    opened: list[str] = []

    @staticmethod
    def openUrl(url: QtCore.QUrl) -> bool:
        DesktopServices.opened.append(url.toString())
        return True


def reshape() -> types.ModuleType:
    """Return the module that `import qt` shall give; changes the PySide6 classes on first use."""
    module = types.ModuleType("qt", "Qt in PythonQt's manner (test host)")
    for part in (QtCore, QtGui, QtWidgets):
        public = {name: getattr(part, name) for name in dir(part) if not name.startswith("_")}
        module.__dict__.update({k: v for k, v in public.items() if k not in _HIDDEN})
    if not hasattr(QtCore.QObject, "className"):
        for cls in _object_classes():
            _declare_properties(cls)
            cls.__setattr__ = _set_attribute
            _redirect_connect(cls)
        _add_pythonqt_methods()
        _wrap_tool_tips()
    vars(module)["QDesktopServices"] = DesktopServices
    return module


def _object_classes() -> list[Any]:
    """All wrapped QObject classes, bases first."""
    found, queue = [], [QtCore.QObject]
    names = {id(v) for m in (QtCore, QtGui, QtWidgets) for v in vars(m).values()}
    names |= {id(getattr(m, n)) for m in (QtCore, QtGui, QtWidgets) for n in dir(m)}
    while queue:
        cls = queue.pop(0)
        if cls in found or id(cls) not in names:
            continue
        found.append(cls)
        queue.extend(cls.__subclasses__())
    return found


def _declare_properties(cls: Any) -> None:
    """Turn the getter/setter pairs that Qt declares as properties of `cls` into attributes."""
    meta = cls.staticMetaObject
    for index in range(meta.propertyCount()):
        name = meta.property(index).name()
        if index < meta.propertyOffset() and name not in vars(cls):
            continue  # inherited, and no C++ override of its getter hides it
        native = getattr(cls, name, None)
        if isinstance(native, QtCore.Signal):
            continue
        capital = name[0].upper() + name[1:]
        getter = getattr(cls, "is" + capital, None) or native or _meta_getter(name)
        setter = getattr(cls, "set" + capital, None) or _meta_setter(name)
        writable = meta.property(index).isWritable()
        declared = _Declared(_for_instance(getter), _for_instance(setter) if writable else None)
        declared.native = native
        setattr(cls, name, declared)


class _Declared(property):
    """A property of objects that leaves the class its static method: `QTimer.singleShot(...)`."""

    native: Any = None

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        return self.native if instance is None else super().__get__(instance, owner)


def _for_instance(function: Any) -> Callable[..., Any]:
    """Let a static getter or setter, such as `applicationName`, be called with the object."""
    if isinstance(function, types.BuiltinFunctionType):
        return lambda _self, *values: function(*values)
    return function


def _meta_getter(name: str) -> Callable[[Any], Any]:
    return lambda self: self.property(name)


def _meta_setter(name: str) -> Callable[[Any, Any], None]:
    return lambda self, value: self.setProperty(name, value)


def _add_pythonqt_methods() -> None:
    q_object = QtCore.QObject
    q_object.name = vars(q_object)["objectName"]
    q_object.className = lambda self: self.metaObject().className()
    q_object.delete = lambda self: self.deleteLater()
    for cls in (QtWidgets.QDialog, QtWidgets.QMenu, QtCore.QEventLoop, QtGui.QDrag):
        cls.exec_ = cls.exec


def _wrap_tool_tips() -> None:
    """What is set as a tooltip is read back as a paragraph, as in Slicer 5.13, which wraps them."""
    native = vars(QtWidgets.QWidget)["toolTip"]

    def write(self: QtWidgets.QWidget, text: str) -> None:
        plain = text and not QtGui.Qt.mightBeRichText(text)
        native.fset(self, f"<p>{html.escape(text, quote=False)}</p>" if plain else text)

    wrapped = _Declared(native.fget, write)
    wrapped.native = native.native
    QtWidgets.QWidget.toolTip = wrapped


def _redirect_connect(cls: Any) -> None:
    """Give the class our `connect`; PySide6 answers for its own before the class is asked."""
    if "__getattribute__" not in vars(cls):
        return
    native = cls.__getattribute__

    def get(self: QtCore.QObject, name: str) -> Any:
        ours = _REDIRECTED.get(name)
        return native(self, name) if ours is None else types.MethodType(ours, self)

    cls.__getattribute__ = get


def _set_attribute(self: QtCore.QObject, name: str, value: Any) -> None:
    """Set a declared property; refuse everything else on an object that C++ owns."""
    declared = inspect.getattr_static(type(self), name, None)
    if isinstance(declared, QtCore.Property):
        if declared.fset is None:
            raise AttributeError(f"property '{name}' of '{type(self).__name__}' is read-only")
        declared.fset(self, value)
    elif isinstance(declared, property):
        declared.__set__(self, value)
    elif _may_hold(self, name, value):
        self.__dict__[name] = value
    elif not UiLoading.active:
        raise AttributeError(
            f"'{type(self).__name__}' has no property '{name}', and PythonQt does not let new "
            "attributes be set on C++ objects"
        )


def _may_hold(self: QtCore.QObject, name: str, value: Any) -> bool:
    """Whether the object is, or counts as, one of Python's, which take any attribute."""
    if isinstance(value, QtCore.SignalInstance):  # PySide6 keeps bound signals like this
        return True
    if isinstance(self, StandIn):
        return name.startswith("_")
    return not type(self).__module__.startswith("PySide6")


def _connect(self: QtCore.QObject, signature: str, receiver: Any, slot: str | None = None) -> bool:
    """`sender.connect("clicked(bool)", callback)`, or `(..., receiver, "slot(bool)")`.

    Raises ValueError where PythonQt only warns: the sender has no such signal.
    """
    signal, count = find_signal(self, signature)
    callback = receiver if slot is None else getattr(receiver, slot.split("(")[0])
    accepted = _accepted_arguments(callback)
    keep = count if accepted is None else min(count, accepted)

    def relay(*values: Any) -> None:
        callback(*values[:keep])

    # PySide6 reads a callable's signature to choose the overload; *values takes the full one.
    signal.connect(relay)
    self.__dict__.setdefault(_RELAYS, []).append((_normalized(signature), callback, signal, relay))
    return True


def _disconnect(self: QtCore.QObject, signature: str, receiver: Any) -> bool:
    wanted = _normalized(signature)
    relays = self.__dict__.get(_RELAYS, [])
    for entry in relays:
        if entry[0] == wanted and entry[1] == receiver:
            entry[2].disconnect(entry[3])
            relays.remove(entry)
            return True
    return False


def _normalized(signature: str) -> str:
    return bytes(QtCore.QMetaObject.normalizedSignature(signature).data()).decode()


def find_signal(sender: QtCore.QObject, signature: str) -> tuple[Any, int]:
    """The bound signal for a C++ signature and the number of values it carries."""
    wanted = _normalized(signature)
    name, _, rest = wanted.partition("(")
    types_text = rest.rstrip(")")
    count = types_text.count(",") + 1 if types_text else 0
    if wanted in getattr(sender, "cpp_signals", {}):
        return getattr(sender, sender.cpp_signals[wanted]), count
    if sender.metaObject().indexOfSignal(wanted) < 0:
        raise ValueError(f"'{type(sender).__name__}' has no signal '{wanted}'")
    signal = getattr(sender, name)
    return (signal[types_text] if types_text else signal), count


def _accepted_arguments(callback: Callable[..., Any]) -> int | None:
    """How many positional values a Python callback takes; None for any number."""
    try:
        parameters = inspect.signature(callback).parameters.values()
    except (TypeError, ValueError):
        return None
    if any(p.kind is p.VAR_POSITIONAL for p in parameters):
        return None
    return sum(p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) for p in parameters)


_REDIRECTED = {"connect": _connect, "disconnect": _disconnect}
