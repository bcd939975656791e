// Hands the page's volumes to NiiVue and joins its switches to NiiVue's.
'use strict'

const facts = JSON.parse(document.getElementById('facts').textContent)
const byId = (id) => document.getElementById(id)
// Kept for NiiVue: 0 axial, 1 coronal, 2 sagittal, 3 all planes, 4 the rendering.
const VIEWS = [['All', 3], ['Axial', 0], ['Coronal', 1], ['Sagittal', 2], ['3D', 4]]
// What is taken away, seen as NiiVue's azimuth and elevation of a cut.
const CUTS = [['None', null], ['Top', [0, 90]], ['Front', [180, 0]], ['Back', [0, 0]], ['Left', [270, 0]], ['Right', [90, 0]]]
// Layers of NiiVue: the colours are the ground, so that the rendering shows them.
const COLORS = 0, MRI = 1, LABELS = 2
const MAP_OPACITY = 0.75

const state = { cut: 0, view: 3, hidden: new Set() }
let nv, labels

async function unpack(id) {
  const text = byId(id).textContent.trim()
  byId(id).remove()
  const packed = await (await fetch('data:application/octet-stream;base64,' + text)).blob()
  const stream = packed.stream().pipeThrough(new DecompressionStream('gzip'))
  return new Uint8Array(await new Response(stream).arrayBuffer())
}

function restored(planes) {
  // Red and blue are stored as what they are more than green; all in RGBA for the graphics card.
  const count = planes.length / 3
  const rgba = new Uint8Array(4 * count)
  const alpha = solid()
  const shade = new Uint8Array(256).map((_, level) => Math.round((255 * level) / facts.brightest.colors))
  for (let n = 0; n < count; n++) {
    const green = planes[count + n]
    rgba[4 * n] = shade[(planes[n] + green) & 255]
    rgba[4 * n + 1] = shade[green]
    rgba[4 * n + 2] = shade[(planes[2 * count + n] + green) & 255]
    rgba[4 * n + 3] = alpha[n]
  }
  return rgba
}

async function volume(voxels, kind, name) {
  const file = niivue.NVImage.createNiftiArray(facts.size, facts.spacing, facts.affine, kind, voxels)
  const image = await niivue.NVImage.loadFromUrl({ url: name, buffer: file.buffer, name })
  return image
}

function tissueAt(voxel) {
  const [i, j, k] = voxel
  const [I, J, K] = facts.size
  if (![i, j, k].every((n, axis) => n >= 0 && n < facts.size[axis])) return null
  return labels[i + I * (j + J * k)]
}

function tell(frac) {
  const code = tissueAt(Array.from(nv.frac2vox(frac)))
  const tissue = facts.tissues.find((one) => one.code === code)
  byId('tissue').textContent = tissue ? tissue.name : code ? '' : 'outside the body'
  byId('swatch').style.background = tissue ? `rgb(${tissue.rgb})` : 'transparent'
  const mm = nv.frac2mm(frac)
  const side = (value, plus, minus) => `${Math.abs(value).toFixed(0)} ${value < 0 ? minus : plus}`
  byId('place').textContent = `${side(mm[0], 'R', 'L')} · ${side(mm[1], 'A', 'P')} · ${side(mm[2], 'S', 'I')} mm`
}

function follow(event) {
  // In a plane the tissue under the cursor; elsewhere that under the crosshair.
  const scale = byId('canvas').width / byId('canvas').clientWidth
  const frac = nv.canvasPos2frac([event.offsetX * scale, event.offsetY * scale])
  tell(frac[0] >= 0 ? frac : nv.scene.crosshairPos)
}

function setFade(share) {
  byId('fade').value = share
  nv.setOpacity(MRI, 1 - share)
}

function setMap(on) {
  byId('map').checked = on
  nv.setOpacity(LABELS, on ? MAP_OPACITY : 0)
}

function setHidden(code, hidden) {
  if (hidden) state.hidden.add(code)
  else state.hidden.delete(code)
  paint()
}

function soften(levels) {
  // Surfaces without the voxels' steps: binomial smoothing, (1, 2, 1) / 4 thrice along every axis.
  const [I, J] = facts.size
  for (const step of [1, I, I * J, 1, I, I * J, 1, I, I * J]) {
    const before = new Uint8Array(step)
    for (let n = 0, slot = 0; n < levels.length - step; n++, slot = slot + 1 === step ? 0 : slot + 1) {
      const own = levels[n]
      levels[n] = (before[slot] + 2 * own + levels[n + step] + 2) >> 2
      before[slot] = own
    }
  }
  return levels
}

function solid() {
  // Alpha of every voxel. A plane leaves out what has 0, the rendering also what has 1: the air.
  const full = new Uint8Array(256).fill(255)
  full[0] = 0
  for (const code of state.hidden) full[code] = 0
  const alpha = soften(labels.map((code) => full[code]))
  for (let n = 0; n < alpha.length; n++) {
    alpha[n] = state.hidden.has(labels[n]) ? 0 : Math.max(1, 2 * alpha[n] - 255)
  }
  return alpha
}

function paint() {
  // A hidden tissue is clear: in 3D, on the map and in the planes.
  const image = nv.volumes[COLORS].img
  const alpha = solid()
  for (let n = 0; n < labels.length; n++) image[4 * n + 3] = alpha[n]
  nv.volumes[LABELS]?.setColormapLabel(colormap())
  nv.updateGLVolume()
  for (const button of byId('legend').children) {
    button.setAttribute('aria-pressed', String(!state.hidden.has(Number(button.dataset.code))))
  }
  byId('all').disabled = state.hidden.size === 0
}

function colormap() {
  const rows = [{ code: 0, name: '', rgb: [0, 0, 0] }, ...facts.tissues]
  const channel = (n) => rows.map((row) => row.rgb[n])
  const clear = (row) => (row.code === 0 || state.hidden.has(row.code) ? 0 : 255)
  return { R: channel(0), G: channel(1), B: channel(2), A: rows.map(clear), I: rows.map((row) => row.code), labels: rows.map((row) => row.name) }
}

function setCut(index) {
  state.cut = index
  const direction = CUTS[index][1]
  byId('depth').disabled = direction === null
  // NiiVue measures the depth from the middle, in half edges of its cube; 2 is no cut.
  nv.setClipPlane(direction === null ? [2, 0, 0] : [0.5 - Number(byId('depth').value), ...direction])
  press('cuts', index)
  byId('wheel3d').textContent = direction === null ? 'nearer and farther' : 'moves the cut'
}

function setView(index) {
  state.view = VIEWS[index][1]
  nv.setSliceType(state.view)
  press('views', index)
}

function press(group, index) {
  Array.from(byId(group).children).forEach((button, n) => button.setAttribute('aria-pressed', String(n === index)))
}

function buttons(group, names, act) {
  names.forEach((name, index) => {
    const button = document.createElement('button')
    button.type = 'button'
    button.textContent = name
    button.addEventListener('click', () => act(index))
    byId(group).append(button)
  })
}

function legend() {
  byId('tissues').hidden = facts.tissues.length === 0
  for (const tissue of facts.tissues) {
    const button = document.createElement('button')
    const patch = document.createElement('i')
    button.type = 'button'
    button.dataset.code = tissue.code
    button.setAttribute('aria-pressed', 'true')
    patch.style.background = `rgb(${tissue.rgb})`
    button.append(patch, tissue.name)
    button.addEventListener('click', () => setHidden(tissue.code, !state.hidden.has(tissue.code)))
    byId('legend').append(button)
  }
  byId('all').addEventListener('click', () => { state.hidden.clear(); paint() })
  byId('all').disabled = true
}

function key(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches('input')) return
  const steps = {
    ArrowLeft: [1, 0, 0], ArrowRight: [-1, 0, 0], ArrowUp: [0, 0, 1], ArrowDown: [0, 0, -1], PageUp: [0, 1, 0], PageDown: [0, -1, 0],
  }
  const acts = {
    f: () => setFade(Number(byId('fade').value) > 0.5 ? 0 : 1),
    t: () => facts.tissues.length && setMap(!byId('map').checked),
    c: () => setCut((state.cut + 1) % CUTS.length),
  }
  VIEWS.forEach((_, index) => { acts[index + 1] = () => setView(index) })
  const act = steps[event.key] ? () => nv.moveCrosshairInVox(...steps[event.key]) : acts[event.key.toLowerCase()]
  if (!act) return
  event.preventDefault()
  event.stopPropagation()
  act()
}

async function open() {
  const script = document.createElement('script')
  script.textContent = new TextDecoder().decode(await unpack('niivue'))
  document.head.append(script)
  nv = new niivue.Niivue({
    backColor: [0, 0, 0, 1], crosshairColor: [0.35, 0.75, 1, 0.8], fontColor: [0.9, 0.9, 0.9, 1], crosshairWidth: 1, crosshairWidthUnit: 'pixels', crosshairGap: 6,
    isRadiologicalConvention: true, sagittalNoseLeft: true, isOrientationTextVisible: true,
    multiplanarLayout: niivue.MULTIPLANAR_TYPE.GRID, multiplanarShowRender: niivue.SHOW_RENDER.ALWAYS, multiplanarPadPixels: 4,
    dragMode: niivue.DRAG_MODE.none, dragAndDropEnabled: false, renderOverlayBlend: 0, isAlphaClipDark: true, gradientOrder: 2,
    clipPlaneHotKey: '', cycleClipPlaneHotKey: '', viewModeHotKey: '', clipPlaneColor: [0, 0, 0, 0], logLevel: 'error', isColorbar: false,
  })
  if (!(await nv.attachTo('canvas'))) throw new Error('WebGL 2 is switched off or missing in this browser')
  await nv.setVolumeRenderIllumination(0.6)
  const [mri, planes, map] = await Promise.all(['mri', 'colors', 'labels'].map(unpack))
  labels = map
  const images = [await volume(restored(planes), 2304, 'colors.nii')]
  nv.addColormap('mri', { R: [0, 255], G: [0, 255], B: [0, 255], A: [255, 255], I: [0, 255] })
  const ground = await volume(mri, 2, 'mri.nii')
  Object.assign(ground, { cal_min: 0, cal_max: facts.brightest.mri, colormap: 'mri', opacity: 0 })
  images.push(ground)
  if (facts.tissues.length) {
    const tissues = await volume(labels, 2, 'labels.nii')
    tissues.setColormapLabel(colormap())
    tissues.opacity = 0
    images.push(tissues)
  }
  // All at once: NiiVue fills the graphics card anew with every volume that is added.
  nv.volumes = images.slice(0, -1)
  nv.addVolume(images.at(-1))
  nv.onLocationChange = () => tell(nv.scene.crosshairPos)
  nv.setRenderAzimuthElevation(140, 20)
  nv.setScale(1.12)
  legend()
  buttons('views', VIEWS.map((view) => view[0]), setView)
  buttons('cuts', CUTS.map((cut) => cut[0]), setCut)
  setView(0)
  setCut(1)
  byId('fade').addEventListener('input', () => setFade(Number(byId('fade').value)))
  byId('map').addEventListener('change', () => setMap(byId('map').checked))
  byId('depth').addEventListener('input', () => setCut(state.cut))
  byId('canvas').addEventListener('mousemove', follow)
  byId('canvas').addEventListener('mouseleave', () => tell(nv.scene.crosshairPos))
  document.addEventListener('keydown', key, true)
  nv.createOnLocationChange()
  tell(nv.scene.crosshairPos)
  byId('wait').hidden = true
  byId('wait').style.display = 'none'
}

// Tests wait for this, and read when it was done.
window.opened = open().then(
  () => performance.now(),
  (error) => {
    byId('wait').textContent = `This page cannot be shown: ${error.message}. Open it with a current Chrome, Edge, Firefox or Safari.`
    throw error
  },
)
