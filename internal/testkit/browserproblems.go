package testkit

import (
	"slices"
	"strings"
)

// problemScript runs in every page before anything of its own: it notes errors on the
// console, what failed to load, and requests that were refused.
const problemScript = `
(() => {
  const note = text => {
    const all = JSON.parse(sessionStorage.getItem('problems') || '[]');
    all.push(location.pathname + ': ' + text);
    sessionStorage.setItem('problems', JSON.stringify(all));
  };
  addEventListener('error', e => note(e.target && (e.target.src || e.target.href) ? 'can not load ' + (e.target.src || e.target.href) : 'error ' + e.message), true);
  addEventListener('unhandledrejection', e => note('rejected ' + (e.reason && e.reason.stack || e.reason)));
  const error = console.error;
  console.error = (...args) => { note('console ' + args.map(a => a && a.stack || String(a)).join(' ')); error(...args); };
  const get = window.fetch;
  window.fetch = async (...args) => {
    const answer = await get(...args);
    if (answer.status >= 400) note('fetch ' + answer.url + ' answers ' + answer.status);
    return answer;
  };
  const send = XMLHttpRequest.prototype.send;
  XMLHttpRequest.prototype.send = function (...args) {
    this.addEventListener('loadend', () => { if (this.status >= 400) note('request ' + this.responseURL + ' answers ' + this.status); });
    return send.apply(this, args);
  };
})()`

// Watch notes from now on what goes wrong in pages.
func (b *Browser) Watch() {
	b.t.Helper()
	b.cdp("Page.addScriptToEvaluateOnNewDocument", map[string]any{"source": problemScript})
}

// Problems tells what has gone wrong since the last call in pages of an origin, where the
// browser is. What pages wanted of other servers does not count, since a test may have no
// way there; nor does the browser's notice that it put off telling of changed sizes.
func (b *Browser) Problems(origin string) (problems []string) {
	b.t.Helper()
	b.Script(`const all = JSON.parse(sessionStorage.getItem('problems') || '[]'); sessionStorage.removeItem('problems'); return all`, &problems)
	return slices.DeleteFunc(problems, func(p string) bool {
		_, elsewhere, loads := strings.Cut(p, "can not load ")
		return loads && !strings.HasPrefix(elsewhere, origin+"/") || strings.Contains(p, "ResizeObserver loop")
	})
}
