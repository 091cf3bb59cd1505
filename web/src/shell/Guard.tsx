/** A defect of ours, or a file that is gone, takes down what it is in, and says so. */
import { Component, type ReactNode } from "react";
import { Outdated } from "../loading";
import { texts } from "../texts";
import { Button } from "../ui/Button";
import { EmptyState, ErrorPanel } from "../ui/feedback";
import { Dialog } from "../ui/overlays";

interface GuardProps {
  children: ReactNode;
  /** Where it stands: alone, in the place of a page, or over a page that stays. */
  as: "site" | "page" | "dialog";
  /** Whoever saw what a dialog says goes on without it. */
  onClose?: () => void;
}

export class Guard extends Component<GuardProps, { error: Error | null }> {
  override state: { error: Error | null } = { error: null };
  static getDerivedStateFromError(error: Error) {
    return { error };
  }
  override render() {
    const { error } = this.state;
    const { as, children, onClose } = this.props;
    if (!error) return children;
    if (as === "dialog") {
      const close = () => {
        this.setState({ error: null });
        onClose?.();
      };
      return (
        <Dialog
          title={error instanceof Outdated ? texts.outdated.title : texts.product}
          isOpen
          onClose={close}
          footer={
            <>
              <Button onPress={close} autoFocus>
                {texts.common.close}
              </Button>
              <Reload />
            </>
          }
        >
          {error instanceof Outdated ? <p>{texts.outdated.text}</p> : <Failed error={error} />}
        </Dialog>
      );
    }
    if (error instanceof Outdated)
      return (
        <EmptyState icon="clock" title={texts.outdated.title} action={<Reload />}>
          {texts.outdated.text}
        </EmptyState>
      );
    const told = (
      <>
        <h1>{texts.product}</h1>
        <Failed error={error}>
          <Reload />
        </Failed>
      </>
    );
    return as === "page" ? <div className="page">{told}</div> : <main className="sign-in">{told}</main>;
  }
}

function Failed({ error, children }: { error: Error; children?: ReactNode }) {
  return (
    <ErrorPanel what={texts.pageFailed.what} error={error}>
      <p>{texts.pageFailed.next}</p>
      <pre className="code">{error.message}</pre>
      {children}
    </ErrorPanel>
  );
}

function Reload() {
  return <Button onPress={() => window.location.reload()}>{texts.pageFailed.reload}</Button>;
}
