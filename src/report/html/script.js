(() => {
  'use strict';
  // Until all is there the page shows the beginning of each list: laying out long tables again and again as they come takes minutes.
  document.documentElement.classList.add('loading');
  document.addEventListener('DOMContentLoaded', () => {
    const STEP = 100;
    const search = document.getElementById('q');
    const texts = new WeakMap();
    const text = (row) => {
      let found = texts.get(row);
      if (found === undefined) texts.set(row, (found = row.textContent.toLowerCase()));
      return found;
    };
    // On a narrow window a row is a card, and each value says what it is.
    const label = (row, heads) => {
      [...row.children].forEach((cell, at) => {
        if (heads[at]) cell.dataset.label = heads[at];
      });
    };
    const headsOf = (table) => [...table.querySelectorAll('thead th')].map((head) => head.textContent);
    for (const table of document.querySelectorAll('table')) {
      const heads = headsOf(table);
      if (!table.closest('[data-list]')) for (const row of table.tBodies[0].rows) label(row, heads);
    }
    const lists = [...document.querySelectorAll('[data-list]')].map((place) => {
      const body = place.querySelector('tbody,.items');
      const list = {
        body,
        rows: body ? [...body.children] : [],
        heads: headsOf(place),
        labelled: new WeakSet(),
        limit: STEP,
        facets: [...place.querySelectorAll('[data-facet]')],
        count: place.querySelector('.count'),
        more: place.querySelector('.more'),
      };
      place.classList.add('ready');
      for (const facet of list.facets) facet.addEventListener('change', () => apply(list, true));
      list.more?.addEventListener('click', () => {
        list.limit += 5 * STEP;
        apply(list, false);
      });
      place.querySelectorAll('[data-sort]').forEach((button) => button.addEventListener('click', () => sort(list, button)));
      return list;
    });
    function words() {
      return search.value.toLowerCase().split(/\s+/).filter(Boolean);
    }
    function apply(list, fresh) {
      if (fresh) list.limit = STEP;
      const wanted = words();
      const facets = list.facets.filter((facet) => facet.value).map((facet) => [facet.dataset.facet, facet.value]);
      let found = 0;
      for (const row of list.rows) {
        const fits = facets.every(([name, value]) => row.dataset[name] === value) &&
          (!wanted.length || wanted.every((word) => text(row).includes(word)));
        if (fits) found += 1;
        const hide = !fits || found > list.limit;
        if (row.hidden !== hide) row.hidden = hide;
        if (!hide && !list.labelled.has(row)) {
          list.labelled.add(row);
          if (list.heads.length) label(row, list.heads);
        }
      }
      if (list.count) {
        const all = list.rows.length;
        const shown = Math.min(found, list.limit);
        list.count.textContent = found === all && shown === all ? all + ' shown'
          : found === all ? shown + ' of ' + all + ' shown'
          : found + ' of ' + all + ' fit' + (shown < found ? ', ' + shown + ' shown' : '');
      }
      if (list.more) list.more.hidden = found <= list.limit;
    }
    function sort(list, button) {
      const head = button.closest('th');
      const at = [...head.parentNode.children].indexOf(head);
      const down = head.getAttribute('aria-sort') === 'ascending';
      for (const other of head.parentNode.children) other.removeAttribute('aria-sort');
      head.setAttribute('aria-sort', down ? 'descending' : 'ascending');
      const numeric = button.dataset.sort === 'n';
      const key = (row) => {
        const cell = row.children[at];
        const value = cell.dataset.v ?? cell.textContent;
        return numeric ? parseFloat(value) || 0 : value;
      };
      const keyed = list.rows.map((row, index) => [key(row), index, row]);
      const sign = down ? -1 : 1;
      keyed.sort((a, b) => (a[0] < b[0] ? -sign : a[0] > b[0] ? sign : a[1] - b[1]));
      list.rows = keyed.map((entry) => entry[2]);
      const all = document.createDocumentFragment();
      for (const row of list.rows) all.append(row);
      list.body.append(all);
      apply(list, false);
    }
    function within(box, part) {
      if (!part) return;
      const [outer, inner] = [box.getBoundingClientRect(), part.getBoundingClientRect()];
      if (inner.top < outer.top || inner.bottom > outer.bottom) box.scrollTop += inner.top - outer.top - 8;
    }
    function reveal(id) {
      const target = id && document.getElementById(id);
      if (!target) return;
      for (let at = target; at; at = at.parentElement) {
        if (at.hidden) at.hidden = false;
        if (at.tagName === 'DETAILS') at.open = true;
      }
      if (target.classList.contains('message')) {
        const call = target.closest('.call');
        call.querySelector('a.on')?.classList.remove('on');
        for (const link of call.querySelectorAll('svg a')) if (link.getAttribute('href') === '#' + id) link.classList.add('on');
        target.querySelector('summary').focus({ preventScroll: true });
        // The ladder and the message are to be seen together.
        call.querySelector('.flow').scrollIntoView({ block: 'start' });
        within(call.querySelector('.messages'), target);
        within(call.querySelector('.flow > .wide'), call.querySelector('a.on'));
      } else {
        target.scrollIntoView({ block: 'start' });
      }
    }
    function follow() {
      const hash = decodeURIComponent(location.hash.slice(1));
      if (hash.startsWith('q=')) {
        search.value = hash.slice(2);
        for (const list of lists) apply(list, true);
      } else reveal(hash);
    }
    let waiting = 0;
    search.addEventListener('input', () => {
      clearTimeout(waiting);
      waiting = setTimeout(() => {
        for (const list of lists) apply(list, true);
        try {
          history.replaceState(null, '', search.value ? '#q=' + encodeURIComponent(search.value) : '#');
        } catch { /* a page without an address of its own */ }
      }, 120);
    });
    document.addEventListener('keydown', (event) => {
      if (event.key === '/' && !/INPUT|SELECT|TEXTAREA/.test(document.activeElement.tagName)) {
        event.preventDefault();
        search.focus();
      }
    });
    window.addEventListener('hashchange', follow);
    // The browser goes to the place that the address names by itself, when all is there.
    window.addEventListener('load', () => setTimeout(follow));
    for (const list of lists) apply(list, true);
    document.documentElement.classList.remove('loading');
    follow();
  });
})();
