/** The editor of expressions: colours, completion, brackets that match, errors where they are. Loaded when it is needed. */
import {
  autocompletion,
  type CompletionContext,
  type CompletionResult,
  closeBrackets,
  closeBracketsKeymap,
  completionKeymap,
  snippetCompletion,
} from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { bracketMatching, HighlightStyle, StreamLanguage, syntaxHighlighting } from "@codemirror/language";
import { setDiagnostics } from "@codemirror/lint";
import { Compartment, EditorState } from "@codemirror/state";
import { EditorView, keymap } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { type RefObject, useEffect, useRef, useState } from "react";
import { sentence } from "../../ui/text";
import type { ElFunction } from "./queries";
import { quoted, type SourceColumn } from "./rules";
import { texts as T } from "./texts";

export interface EditorHandle {
  /** Put a text where the cursor is; the cursor goes between its brackets, if it ends with some. */
  insert: (text: string) => void;
}

interface EditorProps {
  label: string;
  value: string;
  onChange: (value: string) => void;
  functions: ElFunction[];
  columns: SourceColumn[];
  /** What is wrong; it may begin with the place: `character 15: …`. */
  fault: string;
  handle: RefObject<EditorHandle | null>;
}

const WORDS = new Set("true false null and or not empty size eq ne lt le gt ge div mod".split(" "));

const language = StreamLanguage.define<null>({
  startState: () => null,
  token: (stream) => {
    if (stream.eatSpace()) return null;
    if (stream.match(/^"(?:[^"\\]|\\.)*"?|^'(?:[^'\\]|\\.)*'?/)) return "string";
    if (stream.match(/^\$\{(?:[^{}\\]|\\.)*\}?/)) return "variableName";
    if (stream.match(/^\d+(?:\.\d+)?(?:[eE][+-]?\d+)?L?/)) return "number";
    const word = stream.match(/^[\p{L}_$][\p{L}\p{N}_$]*/u) as RegExpMatchArray | null;
    if (word) {
      if (WORDS.has(word[0])) return "atom";
      return stream.peek() === "(" ? "keyword" : "variableName";
    }
    if (stream.match(/^(?:->|&&|\|\||[=!<>]=|[-+*/%<>!?:~])/)) return "operator";
    stream.next();
    return "punctuation";
  },
});

const colours = HighlightStyle.define([
  { tag: tags.string, color: "var(--good)" },
  { tag: tags.number, color: "var(--info)" },
  { tag: tags.atom, color: "var(--info)" },
  { tag: tags.keyword, color: "var(--accent-text)", fontWeight: "600" },
  { tag: tags.operator, color: "var(--text-2)" },
]);

const theme = EditorView.theme({
  "&": {
    color: "var(--text)",
    backgroundColor: "var(--surface)",
    border: "1px solid var(--line-strong)",
    borderRadius: "var(--radius)",
    fontSize: "var(--text-m)",
  },
  "&.cm-focused": { outline: "2px solid var(--accent)", outlineOffset: "-1px" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.55", minHeight: "7rem", maxHeight: "16rem" },
  ".cm-content": { caretColor: "var(--text)", padding: "var(--s2) 0" },
  ".cm-line": { padding: "0 var(--s3)" },
  "&.cm-focused .cm-matchingBracket": {
    backgroundColor: "var(--accent-soft)",
    outline: "1px solid var(--accent)",
  },
  "&.cm-focused .cm-nonmatchingBracket": { backgroundColor: "var(--bad-soft)" },
  ".cm-tooltip": {
    backgroundColor: "var(--raised)",
    color: "var(--text)",
    border: "1px solid var(--line)",
    borderRadius: "var(--radius)",
    boxShadow: "var(--shadow-l)",
    zIndex: "10",
  },
  ".cm-tooltip-autocomplete > ul > li": { padding: "3px 8px", lineHeight: "1.5" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul > li[aria-selected]": {
    backgroundColor: "var(--accent)",
    color: "var(--on-accent)",
  },
  ".cm-completionDetail": { fontStyle: "normal", opacity: "0.8" },
  ".cm-completionInfo": { padding: "6px 8px", maxWidth: "18rem", fontSize: "var(--text-s)" },
  ".cm-lintRange-error": {
    backgroundImage: "none",
    textDecoration: "underline wavy var(--bad)",
    textUnderlineOffset: "3px",
  },
  ".cm-diagnostic": { padding: "6px 8px", borderLeft: "3px solid var(--bad)", fontFamily: "var(--font)" },
});

/** The function whose arguments the cursor is in. */
function around(text: string, end: number): string | null {
  let depth = 0;
  for (let place = end - 1; place >= 0; place--) {
    const sign = text[place];
    if (sign === ")") depth++;
    else if (sign === "(" && depth-- === 0) return /([A-Za-z_]\w*)$/.exec(text.slice(0, place))?.[1] ?? null;
  }
  return null;
}

export default function ExpressionEditor(props: EditorProps) {
  const { label, value, fault, functions, columns, handle } = props;
  const host = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView | null>(null);
  const completing = useRef(new Compartment());
  const onChange = useRef(props.onChange);
  onChange.current = props.onChange;
  const [caller, setCaller] = useState<string | null>(null);

  // biome-ignore lint/correctness/useExhaustiveDependencies: made once; what changes later is told to it below
  useEffect(() => {
    const element = host.current;
    if (!element) return;
    // In a tree of its own its styles are adopted sheets, which the policy of the page allows; style elements are not.
    const root = element.shadowRoot ?? element.attachShadow({ mode: "open", delegatesFocus: true });
    const editor = new EditorView({
      parent: root,
      root,
      state: EditorState.create({
        doc: value,
        extensions: [
          history(),
          closeBrackets(),
          bracketMatching(),
          language,
          syntaxHighlighting(colours),
          completing.current.of([]),
          keymap.of([...closeBracketsKeymap, ...completionKeymap, ...historyKeymap, ...defaultKeymap]),
          EditorView.lineWrapping,
          EditorView.contentAttributes.of({ "aria-label": label, spellcheck: "false" }),
          theme,
          EditorView.updateListener.of((update) => {
            if (update.docChanged) onChange.current(update.state.doc.toString());
            if (update.docChanged || update.selectionSet)
              setCaller(around(update.state.doc.toString(), update.state.selection.main.head));
          }),
        ],
      }),
    });
    view.current = editor;
    // Tab would go to what scrolls in there, where nothing can be typed.
    const enter = () => editor.focus();
    element.addEventListener("focus", enter);
    handle.current = {
      insert: (text) => {
        const { from, to } = editor.state.selection.main;
        const inside = text.endsWith("()") ? 1 : 0;
        editor.dispatch({
          changes: { from, to, insert: text },
          selection: { anchor: from + text.length - inside },
          scrollIntoView: true,
        });
        editor.focus();
      },
    };
    // It comes a moment after its dialog: whoever types elsewhere by then is left alone.
    if (!document.activeElement?.closest("input, textarea")) editor.focus();
    return () => {
      element.removeEventListener("focus", enter);
      editor.destroy();
      view.current = null;
      handle.current = null;
    };
  }, []);

  useEffect(() => {
    const options = [
      ...functions.map((each) =>
        snippetCompletion(`${each.function}(\${})`, {
          label: each.function,
          detail: ` ${each.category}`,
          info: `${each.syntax}\n${each.description}`,
          type: "function",
        }),
      ),
      ...columns.map((column) => ({
        label: column.name,
        apply: quoted(column.name),
        detail: ` ${column.type}`,
        type: "variable",
        boost: 1,
      })),
    ];
    const complete = (context: CompletionContext): CompletionResult | null => {
      const before = context.matchBefore(/(?:\$\{[^}]*|[\p{L}_$][\p{L}\p{N}_$]*)/u);
      if (!before && !context.explicit) return null;
      return { from: before?.from ?? context.pos, options, validFor: /^(?:\$\{[^}]*|[\p{L}\p{N}_$]*)$/u };
    };
    view.current?.dispatch({
      effects: completing.current.reconfigure(
        autocompletion({ override: [complete], icons: false, closeOnBlur: true, interactionDelay: 0 }),
      ),
    });
  }, [functions, columns]);

  useEffect(() => {
    const editor = view.current;
    if (!editor) return;
    const length = editor.state.doc.length;
    const [, place, words] = /character (\d+): (.*)/s.exec(fault) ?? [null, null, fault];
    const at = Math.min(Math.max(Number(place ?? 1) - 1, 0), length);
    const word = /^[\p{L}\p{N}_$]+/u.exec(editor.state.doc.sliceString(at))?.[0].length ?? 1;
    const to = Math.min(length, at + word);
    editor.dispatch(
      setDiagnostics(
        editor.state,
        fault
          ? [
              {
                from: Math.min(at, Math.max(to - 1, 0)),
                to,
                severity: "error",
                message: sentence(words ?? ""),
              },
            ]
          : [],
      ),
    );
  }, [fault]);

  const told = functions.find((each) => each.function === caller || each.aliases.includes(caller ?? ""));
  return (
    <div className="field">
      <span className="field-label">{label}</span>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: the focus goes on to the editor inside */}
      <div ref={host} className="expression-editor" tabIndex={0} />
      <p className="expression-notes">
        <span className="signature" role="status">
          {told ? (
            <>
              <code>{told.syntax}</code> {told.description}
            </>
          ) : null}
        </span>
        <span className={value.length > 4_096 ? "field-error" : "muted"}>
          {T.dialog.length(value.length)}
        </span>
      </p>
    </div>
  );
}
