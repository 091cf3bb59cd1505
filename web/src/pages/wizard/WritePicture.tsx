/** What becomes of three rows in each write mode: before, what comes in, afterwards. */
import { texts } from "./texts";

const T = texts.details.picture;

type Row = [key: string, value: string, look?: "added" | "replaced"];

const BEFORE: Row[] = [
  ["A", "1"],
  ["B", "1"],
];
const INCOMING: Row[] = [
  ["B", "2"],
  ["C", "1"],
];
const AFTER: Record<"append" | "upsert", Row[]> = {
  append: [
    ["A", "1"],
    ["B", "1"],
    ["B", "2", "added"],
    ["C", "1", "added"],
  ],
  upsert: [
    ["A", "1"],
    ["B", "2", "replaced"],
    ["C", "1", "added"],
  ],
};

/** The picture is told in words to those who do not see it. */
export function WritePicture({ mode }: { mode: "append" | "upsert" }) {
  return (
    <figure className="write-picture">
      <figcaption className="visually-hidden">{T[mode]}</figcaption>
      <Stack title={T.before} rows={BEFORE} />
      <span className="picture-sign" aria-hidden="true">
        +
      </span>
      <Stack title={T.incoming} rows={INCOMING} />
      <span className="picture-sign" aria-hidden="true">
        =
      </span>
      <Stack title={T.after} rows={AFTER[mode]} />
    </figure>
  );
}

function Stack({ title, rows }: { title: string; rows: Row[] }) {
  return (
    <div className="picture-stack" aria-hidden="true">
      <span className="picture-title">{title}</span>
      {rows.map(([key, value, look]) => (
        <span key={key + value} className={look ? `picture-row ${look}` : "picture-row"}>
          <b>{key}</b>
          <span>{value}</span>
        </span>
      ))}
    </div>
  );
}
