
'use strict';
(() => {
  const form = document.getElementById('filters');
  const list = document.querySelector('.entries');
  const entries = list === null ? [] : Array.from(list.children);

  const unfold = (entry) => { entry.firstElementChild.open = true; };
  const reveal = () => {
    const entry = document.getElementById(location.hash.slice(1));
    if (entry === null || entry.parentElement !== list) return;
    if (entry.hidden && form !== null) { form.reset(); }
    entry.hidden = false;
    unfold(entry);
    entry.scrollIntoView();
    entry.querySelector('summary').focus({ preventScroll: true });
  };
  window.addEventListener('hashchange', reveal);
  // A second click on the same link does not change the address.
  document.addEventListener('click', (event) => {
    const link = event.target instanceof Element ? event.target.closest('a') : null;
    if (link !== null && link.hash !== '' && link.hash === location.hash) setTimeout(reveal);
  });

  // Browsers that cannot be told by style to print what is folded are told here.
  if (!CSS.supports('selector(::details-content)')) {
    let folded = [];
    window.addEventListener('beforeprint', () => {
      folded = Array.from(document.querySelectorAll('details:not([open])'));
      for (const item of folded) item.open = true;
    });
    window.addEventListener('afterprint', () => { for (const item of folded) item.open = false; });
  }

  if (form !== null) {
    const search = document.getElementById('search');
    const found = document.getElementById('found');
    const total = entries.length;
    const noun = found.dataset.noun;
    let texts = null;

    const wanted = () => {
      const facets = [];
      for (const select of form.querySelectorAll('select')) {
        if (select.value !== '') facets.push([select.name, new Set([select.value])]);
      }
      const boxes = new Map();
      for (const box of form.querySelectorAll('input:checked')) {
        boxes.set(box.name, (boxes.get(box.name) || new Set()).add(box.value));
      }
      return [...facets, ...boxes];
    };
    const filter = () => {
      const facets = wanted();
      const words = search.value.toLowerCase().split(/\s+/).filter((word) => word !== '');
      if (words.length > 0 && texts === null) texts = entries.map((entry) => entry.textContent.toLowerCase());
      let shown = 0;
      entries.forEach((entry, position) => {
        const fits = facets.every(([name, values]) => values.has(entry.dataset[name]))
          && words.every((word) => texts[position].includes(word));
        if (entry.hidden === fits) entry.hidden = !fits;
        if (fits) shown += 1;
      });
      const all = `${total.toLocaleString('en')} ${noun}${total === 1 ? '' : 's'}`;
      found.textContent = shown === total ? all : `${shown.toLocaleString('en')} of ${all}`;
    };

    let waiting = 0;
    search.addEventListener('input', () => { clearTimeout(waiting); waiting = setTimeout(filter, 120); });
    form.addEventListener('change', filter);
    form.addEventListener('submit', (event) => { event.preventDefault(); filter(); });
    // The fields have their first values only after this event.
    form.addEventListener('reset', () => setTimeout(filter));
    const fold = (open) => () => {
      for (const entry of entries) if (!entry.hidden) entry.firstElementChild.open = open;
    };
    document.getElementById('unfold').addEventListener('click', fold(true));
    document.getElementById('fold').addEventListener('click', fold(false));
    document.addEventListener('keydown', (event) => {
      const typing = event.target instanceof Element && event.target.matches('input, select, textarea');
      if (event.key === '/' && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
        event.preventDefault();
        search.focus();
      } else if (event.key === 'Escape' && event.target === search && search.value !== '') {
        search.value = '';
        filter();
      }
    });
    form.hidden = false;
    filter();
  }
  if (location.hash !== '') reveal();
})();
