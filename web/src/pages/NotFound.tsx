import { pathOf } from "../shell/navigation";
import { Page, useSandbox } from "../shell/page";
import { texts } from "../texts";
import { Link } from "../ui/Button";
import { EmptyState } from "../ui/feedback";

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
