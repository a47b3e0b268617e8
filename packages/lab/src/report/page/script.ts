// The page's only script: what a point of a map stands for, when it is pointed at or tapped.

/** Points are drawn in the order of their notes, which stand beside the chart as JSON. */
export const script = `
for (const panel of document.querySelectorAll('.points')) {
  const notes = JSON.parse(panel.querySelector('script').textContent);
  const marks = [...panel.querySelectorAll('.role-mark path')];
  const tip = document.getElementById('tip');
  const show = (event) => {
    const note = notes[marks.indexOf(event.target)];
    if (!note) { tip.style.display = 'none'; return; }
    tip.textContent = note.l === note.p ? note.l : note.l + ', taken for ' + note.p;
    if (note.t) tip.append(document.createElement('br'), note.t);
    if (note.i) { const image = new Image(); image.src = note.i; image.alt = ''; tip.append(image); }
    tip.style.display = 'block';
    const box = tip.getBoundingClientRect();
    tip.style.left = Math.max(8, Math.min(event.clientX + 14, innerWidth - box.width - 8)) + 'px';
    tip.style.top = (event.clientY + box.height + 24 < innerHeight ? event.clientY + 14 : event.clientY - box.height - 14) + 'px';
  };
  panel.addEventListener('pointermove', show);
  panel.addEventListener('pointerdown', show);
  panel.addEventListener('pointerleave', () => { tip.style.display = 'none'; });
}`;
