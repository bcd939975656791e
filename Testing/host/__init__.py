"""Slicer without Slicer: opens unmodified scripted modules on the real MRML and the real Qt.

Real: the MRML scene, nodes, storage, logics, displayable managers and `slicer.util`
(`slicer-core`), VTK, and Qt's widgets, event loop and .ui files (PySide6, offscreen).
Stand-ins, written here: `qt` in PythonQt's manner, the CTK and MRML widgets, `slicer.app`,
`slicer.modules`, `ScriptedLoadableModule`, `parameterNodeWrapper`, `i18n`, `packaging`,
`SampleData`.

As in Slicer 5.13, tooltips are wrapped into a paragraph, `sys.executable` is no Python, volumes
take no part in undo, a name once used stays used until the scene is closed, and a slice node
without layout name, which crashes the application, is refused.

A module that passes here can still fail in Slicer, because the host does not cover:
PythonQt's conversions and ownership (enumerations are objects here, numbers there), signals and
properties that only Qt 6 or only Qt 5 has, CTK's looks and rarer members, the module factory and
its order of loading, subject-hierarchy plugins (new nodes get no item), the main window, message
boxes (testing mode is on, so they are only logged), translations, installing packages,
downloads, other operating systems, and a GPU and its memory.
"""

from .hosting import Host, LoadedModule, Message

__all__ = ["Host", "LoadedModule", "Message"]
