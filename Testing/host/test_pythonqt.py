"""Claims about `qt`: it accepts what PythonQt accepts and refuses what PythonQt refuses."""

import pytest


def test_declared_properties_are_attributes(host):
    import qt

    button = qt.QPushButton("go")
    button.enabled = False
    button.toolTip = "why"
    assert (button.enabled, button.toolTip, button.text) == (False, "<p>why</p>", "go")
    assert not button.isEnabled()


def test_a_property_stays_one_where_a_subclass_overrides_its_getter(host):
    import qt

    assert qt.QLabel("text").sizeHint.width() > 0
    assert qt.QSpinBox().minimumSizeHint.height() > 0


def test_static_methods_and_properties_of_one_name_both_work(host):
    import qt
    import slicer

    timer, done = qt.QTimer(), []
    timer.singleShot = True
    assert timer.singleShot
    qt.QTimer.singleShot(0, lambda: done.append(1))
    host.wait_until(lambda: done)
    assert slicer.app.applicationName == "Slicer"


def test_calling_a_property_fails(host):
    import qt

    slider = qt.QSlider()
    slider.value = 7
    assert slider.value == 7
    with pytest.raises(TypeError, match="not callable"):
        slider.value()


def test_stand_ins_have_properties_too(host):
    import ctk

    slider = ctk.ctkSliderWidget()
    slider.maximum = 8.0
    slider.value = 4.5
    assert slider.value == 4.5
    with pytest.raises(TypeError, match="not callable"):
        slider.value()


@pytest.mark.parametrize("kind", ["qt.QPushButton", "ctk.ctkSliderWidget", "slicer.qMRMLWidget"])
@pytest.mark.parametrize("name", ["colour", "isEnabled"])
def test_an_attribute_that_is_no_property_cannot_be_set(host, kind, name):
    import ctk
    import qt
    import slicer

    module, cls = kind.split(".")
    widget = getattr({"qt": qt, "ctk": ctk, "slicer": slicer}[module], cls)()
    with pytest.raises(AttributeError, match=name):
        setattr(widget, name, True)


def test_a_class_written_in_python_may_hold_attributes(host):
    import qt

    class Panel(qt.QWidget):
        def __init__(self):
            qt.QWidget.__init__(self)
            self.answer = 42

    assert Panel().answer == 42


def test_connect_passes_what_the_signature_names(host):
    import qt

    button, seen = qt.QPushButton(), []
    button.checkable = True
    button.connect("clicked()", lambda *values: seen.append(values))
    button.connect("clicked(bool)", lambda *values: seen.append(values))
    button.connect("clicked(bool)", lambda: seen.append("none wanted"))
    button.click()
    assert seen == [(), (True,), "none wanted"]


def test_disconnect_ends_it(host):
    import qt

    class Panel:
        count = 0

        def onClick(self):
            self.count += 1

    button, panel = qt.QPushButton(), Panel()
    button.connect("clicked(bool)", panel.onClick)
    button.click()
    button.disconnect("clicked(bool)", panel.onClick)
    button.click()
    assert panel.count == 1


def test_a_signal_that_does_not_exist_fails(host):
    import qt

    with pytest.raises(ValueError, match="pressedTwice"):
        qt.QPushButton().connect("pressedTwice()", print)


def test_signals_cannot_be_declared_in_python(host):
    import qt

    assert not hasattr(qt, "Signal")


def test_addresses_are_noted_not_opened(host):
    import qt

    assert qt.QDesktopServices.openUrl(qt.QUrl("https://example.org/manual"))
    assert qt.QDesktopServices.opened[-1] == "https://example.org/manual"


def test_many_signals_leave_the_interpreter_alive(host):
    import qt

    slider = qt.QSlider()
    total: list[int] = []
    slider.maximum = 100_000
    slider.connect("valueChanged(int)", total.append)
    for value in range(1, 20_001):
        slider.value = value
    assert len(total) == 20_000
