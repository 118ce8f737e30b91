// The editor of an exercise: CodeMirror 6, for Python.

import { closeBrackets, closeBracketsKeymap } from "@codemirror/autocomplete";
import {
  defaultKeymap,
  history,
  historyKeymap,
  indentWithTab,
  isolateHistory,
} from "@codemirror/commands";
import { python } from "@codemirror/lang-python";
import {
  bracketMatching,
  indentOnInput,
  indentUnit,
  syntaxHighlighting,
} from "@codemirror/language";
import { EditorState } from "@codemirror/state";
import { drawSelection, EditorView, keymap, lineNumbers } from "@codemirror/view";
import { classHighlighter } from "@lezer/highlight";

// Tab indents. Escape and then Tab leaves the editor, which CodeMirror sees to.
export function createEditor({ parent, source, label, describedBy, onChange, onEnter }) {
  let telling = true;
  const view = new EditorView({
    parent,
    state: EditorState.create({
      doc: source,
      extensions: [
        lineNumbers(),
        history(),
        drawSelection(),
        indentOnInput(),
        bracketMatching(),
        closeBrackets(),
        python(),
        indentUnit.of("    "),
        syntaxHighlighting(classHighlighter),
        EditorState.tabSize.of(4),
        EditorView.contentAttributes.of({
          "aria-label": label,
          "aria-describedby": describedBy,
          autocapitalize: "off",
          autocorrect: "off",
          spellcheck: "false",
          tabindex: "0", // or axe takes what scrolls for out of a keyboard's reach
        }),
        keymap.of([
          { key: "Mod-Enter", run: () => (onEnter(), true) },
          ...closeBracketsKeymap,
          ...defaultKeymap,
          ...historyKeymap,
          indentWithTab,
        ]),
        EditorView.updateListener.of((update) => {
          if (update.docChanged && telling) onChange(view.state.doc.toString());
        }),
      ],
    }),
  });
  // What replaces the whole text is undone alone, not together with what was just typed.
  const replaceAll = (text) =>
    view.dispatch({
      changes: { from: 0, to: view.state.doc.length, insert: text },
      annotations: isolateHistory.of("full"),
    });
  return {
    get source() {
      return view.state.doc.toString();
    },
    // Shows what was written elsewhere, without telling about a change.
    show(text) {
      if (text === view.state.doc.toString()) return;
      telling = false;
      replaceAll(text);
      telling = true;
    },
    // Replaces the text as the learner herself would: it can be undone.
    replace(text) {
      replaceAll(text);
    },
    focus() {
      view.focus();
    },
  };
}
