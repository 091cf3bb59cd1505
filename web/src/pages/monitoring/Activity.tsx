/** Rows over time: as charts, as a table, or not at all. */
import { useAddress } from "../../address";
import { usePreferences } from "../../preferences";
import { Button } from "../../ui/Button";
import { Figures } from "../../ui/Figures";
import { Count, exactTime } from "../../ui/text";
import { Chart } from "./Chart";
import { type Bucket, type Monitored, runsIn } from "./queries";
import { texts } from "./texts";

const T = texts.chart;

export function Activity({ told }: { told: Monitored }) {
  const address = useAddress();
  const { zone } = usePreferences();
  const mode = address.get("charts");
  return (
    <section className="panel activity" aria-labelledby="activity">
      <div className="panel-title">
        <h2 id="activity">{T.title}</h2>
        <div className="badges">
          {mode === "off" ? null : (
            <Button
              size="small"
              look="quiet"
              icon={mode === "table" ? "pulse" : "list"}
              onPress={() => address.set({ charts: mode === "table" ? "" : "table" })}
            >
              {mode === "table" ? T.asChart : T.asTable}
            </Button>
          )}
          <Button
            size="small"
            look="quiet"
            aria-expanded={mode !== "off"}
            onPress={() => address.set({ charts: mode === "off" ? "" : "off" })}
          >
            {mode === "off" ? T.show : T.hide}
          </Button>
        </div>
      </div>
      {mode === "table" ? (
        <Figures<Bucket>
          label={T.table}
          rows={[...told.series].reverse()}
          keyOf={(bucket) => bucket.at}
          columns={[
            { id: "at", name: T.from, cell: (bucket) => exactTime(bucket.at, zone) },
            {
              id: "runs",
              name: T.runs,
              numeric: true,
              cell: (bucket) => <Count value={runsIn(bucket.runs)} />,
            },
            {
              id: "received",
              name: texts.columns.received,
              numeric: true,
              cell: (bucket) => <Count value={bucket.received} />,
            },
            {
              id: "ingested",
              name: T.ingested,
              numeric: true,
              cell: (bucket) => <Count value={bucket.ingested} />,
            },
            {
              id: "rejected",
              name: T.rejected,
              numeric: true,
              cell: (bucket) => <Count value={bucket.rejected} />,
            },
          ]}
        />
      ) : mode === "off" ? null : (
        <div className="charts">
          <Chart
            what={T.ingested}
            tone="good"
            series={told.series}
            value={(one) => one.ingested}
            zone={zone}
          />
          <Chart
            what={T.rejected}
            tone="bad"
            series={told.series}
            value={(one) => one.rejected}
            zone={zone}
          />
        </div>
      )}
    </section>
  );
}
