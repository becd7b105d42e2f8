// What a person finds on a page by what is written there. A name is what is written on a
// thing or said of it; the whole name comes before a part of it. A switch without a name is
// called so.
const name = e => (e.getAttribute('aria-label') || e.innerText || e.getAttribute('title') || e.value || (e.getAttribute('role') === 'switch' ? 'switch' : '')).trim().replace(/\s+/g, ' ').toLowerCase();
// shown is what a person sees of a thing: of a choice that is not open, the whole.
const shown = e => e.tagName === 'OPTION' ? e.closest('select') || e : e;
const isSeen = e => !e.closest('[aria-hidden=true]') && e.getClientRects().length > 0 && getComputedStyle(e).visibility !== 'hidden';
// isInFront says that nothing lies over the middle of a thing, such as a dialog.
const isInFront = e => {
  e.scrollIntoView({block: 'center', inline: 'nearest', behavior: 'instant'});
  const r = e.getBoundingClientRect();
  const top = document.elementFromPoint(r.left + r.width / 2, r.top + r.height / 2);
  return top !== null && (e.contains(top) || top.contains(e));
};
const best = (all, text) => {
  const want = text.trim().toLowerCase();
  const hits = all.filter(e => isSeen(shown(e)) && !e.disabled && (want === '' ? name(e) === '' && e.matches('button,[role=button]') && e.querySelector('svg') : name(e).includes(want)));
  hits.sort((a, b) => (name(a) === want ? 0 : 1) - (name(b) === want ? 0 : 1) || (a.contains(b) ? 1 : b.contains(a) ? -1 : 0));
  return hits.find(e => isInFront(shown(e)));
};
const clickables = root => [...root.querySelectorAll('button,a,label,summary,option,[role=button],[role=menuitem],[role=menuitemcheckbox],[role=option],[role=tab],[role=radio],[role=switch],[role=checkbox],[role=combobox],.p-tab,.p-overflow-menu-item,.p-select-option,.p-select__control')];
// texts are the innermost things that a text is written on, but for the links to other pages
// that each page has at its side.
const texts = text => {
  const want = text.trim().toLowerCase();
  const all = [...document.body.querySelectorAll('*')].filter(e => isSeen(e) && name(e).includes(want) && ![...e.children].some(c => name(c).includes(want)));
  return all.filter(e => !e.closest('.context-sidebar,[data-sidebar]')).sort((a, b) => (name(a) === want ? 0 : 1) - (name(b) === want ? 0 : 1));
};
const fields = 'input:not([type=hidden]):not([type=file]),textarea,select,[contenteditable=true],[role=combobox],[role=switch],[role=checkbox],[role=spinbutton]';
const hands = {
  // clickable finds what can be clicked, near a text if one is given: in the smallest part
  // of the page that has both.
  clickable(text, near) {
    if (!near) return best(clickables(document), text);
    for (const at of texts(near)) {
      for (let part = at; part; part = part.parentElement) {
        const found = best(clickables(part), text);
        if (found) return found;
      }
    }
  },
  // field finds where something can be written or chosen: what is called so, or else comes
  // first after the text.
  field(label) {
    const want = label.trim().toLowerCase();
    const all = [...document.querySelectorAll(fields)].filter(e => isSeen(e) && !e.disabled);
    const called = e => [e.getAttribute('aria-label'), e.getAttribute('placeholder'), ...[...(e.labels || [])].map(l => l.innerText)].map(s => (s || '').trim().toLowerCase());
    const named = all.filter(e => called(e).some(s => s === want || s === want + ' *')).find(isInFront) || all.filter(e => called(e).some(s => s.includes(want))).find(isInFront);
    if (named) return named;
    for (const at of texts(label)) {
      const after = all.find(e => at.compareDocumentPosition(e) & (Node.DOCUMENT_POSITION_FOLLOWING | Node.DOCUMENT_POSITION_CONTAINED_BY) && isInFront(e));
      if (after && isInFront(at)) return after;
    }
  },
  // resting is a thing with where it is, once it has been there for two frames.
  async resting(e) {
    if (!e) return null;
    const at = () => { const r = e.getBoundingClientRect(); return [r.x, r.y, r.width, r.height].join(); };
    const frame = () => new Promise(done => requestAnimationFrame(done));
    const before = at();
    await frame();
    await frame();
    return before === at() && isSeen(shown(e)) ? e : null;
  },
  seen() { return [...new Set([...clickables(document), ...document.querySelectorAll(fields)].filter(isSeen).map(e => e.tagName.toLowerCase() + ' ' + (name(e) || e.getAttribute('placeholder') || '')))]; },
};
