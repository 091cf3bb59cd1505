import { texts } from "../texts";
import { Link } from "../ui/Button";
import { EmptyState } from "../ui/feedback";
import { pathOf } from "./navigation";
import { Page, useSandbox } from "./page";

export default function NotFound() {
  const sandbox = useSandbox();
  return (
    <Page title={texts.notFound.title} calls={[]}>
      <EmptyState
        icon="warn"
        title={texts.notFound.title}
        action={
          <Link to={pathOf(sandbox, "sources")} className="button primary normal">
            {texts.notFound.back}
          </Link>
        }
      >
        {texts.notFound.text}
      </EmptyState>
    </Page>
  );
}
