// How the search ranks what it finds; part of Sphinx's own script. An exact entry of the
// index comes first (100), as in Sphinx; then chapters, before notebooks and the pages
// for instructors, which hold the same words.

var Scorer = {
  score([page, , , , score]) {
    if (/^book\/\d\d_/.test(page)) return score + 10;
    if (/^(exercises|book\/instructors)\//.test(page)) return score - 3;
    return score;
  },

  // Sphinx's own numbers.
  objNameMatch: 11,
  objPartialMatch: 6,
  objPrio: { 0: 15, 1: 5, 2: -5 },
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,
};
